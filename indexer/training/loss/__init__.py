"""The contrastive loss, the choice of its pairs, and the targets of distillation."""
