"""Twins with shared weights, trained with a contrastive loss on the faces that serving would see."""
