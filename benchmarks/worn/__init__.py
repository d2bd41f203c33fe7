"""Masks and glasses: the labels behind the figures of docs/explanation/attributes.md, and how the heads'
constants were fitted.

`masks-*.csv` name files below `dataset/` of github.com/chandrikadeb7/Face-Mask-Detection (MIT), commit
7e500749401bad4bb338790fbdb89b58e41ef2d9, labelled by their folders: a random 650 of each, without those that
are named `Augmented`. `celeba-glasses-*.csv` name files of CelebA: `none` is CelebA's own label, and those
that CelebA labels as `Eyeglasses` were divided by looking at them; tinted lenses through which the eyes are
seen were left out (45 of 400). `utkface-*.csv` name a random 480 of UTKFace, labelled by looking at them; two
blurred ones were left out. A picture is in `-measured` or in `-fit` by the SHA-256 of its file's name.
"""
