"""How a model is made: a Siamese network with a contrastive loss, trained on the crops that serving would
see.

`train` is the loop. `data` prepares its batches, `loss` its loss and distillation targets, `run` its folder.
"""
