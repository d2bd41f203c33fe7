"""The networks that map an aligned face to a vector.

To add a backbone:

1. Write its network in a module of its own here, as `contrastive.py` does: an `nn.Module` that takes faces
   of shape (n, 3, side, side), RGB, 0 to 255, scales them itself, and returns shape (n, dimension). For
   published weights add `load(path)`, which returns the network in eval mode, as `sface.py` does.
2. Register it in `registry.BACKBONES`, with its alignment template and its normalisation. `gemel train
   --from NAME` can train it now, and `safetensors:FILE` can serve it.
   A new alignment also needs a template in `vision/align.py`, and its name in `card_file.CardFile.template`.
   Give the backbone a recipe (`training/recipes.py`), and name it in the help of `--from`
   (`cli/train/options.py`).
3. For published weights that are served by name: describe the file in `weights/published/`, and add a card
   to `embedding/catalog.py`, with the figures that `python -m benchmarks.card_figures` measures.
4. Test it against another implementation of the same network, as `tests/unit/embedding/backbones` does.

A network in an ONNX file needs no code: `GEMEL_MODEL=onnx:FILE`, with a card beside the file.
"""
