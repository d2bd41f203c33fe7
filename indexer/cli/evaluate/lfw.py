"""`gemel evaluate lfw`."""

import time

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, tell
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption, PlotOption
from indexer.evaluation import lfw
from indexer.evaluation.provenance import here
from indexer.evaluation.verification import rates as verification
from indexer.evaluation.verification.plot import draw_roc
from indexer.evaluation.verification.report import report
from indexer.pipeline.embed_files import embed_with


def lfw_pairs(
    data: DataOption,
    model: ModelOption = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
    plot_file: PlotOption = None,
) -> None:
    """Verification, one to one: LFW's 6,000 pairs in ten folds.

    Example: `gemel evaluate lfw --data lfw --model sface --model dlib-resnet --html lfw.html`
    """
    pairs = lfw.read_pairs(data)
    files = sorted({image for pair in pairs for image in (pair.first, pair.second)})
    start = time.perf_counter()
    with pipelines(model) as opened, progress(len(files)) as told:
        embedded = embed_with(opened, files, told)
        models = [pipeline.card.fingerprint for pipeline in opened]
    measured = []
    for fingerprint, embeddings in zip(models, embedded, strict=True):
        trials = verification.compare(embeddings, pairs)
        result = verification.measure(
            trials,
            undetected=embeddings.undetected,
            seconds=time.perf_counter() - start,
            model=fingerprint,
        )
        measured.append((verification.roc(trials), result))
    made = here("gemel evaluate lfw")
    told_data = f"{data.name}: {len(pairs):,} pairs of {len(files):,} images"
    tell(
        report(made, told_data, measured),
        made,
        [result for _, result in measured],
        json_file,
        html_file,
        data=told_data,
    )
    if plot_file:
        with plot_file.open("wb") as file:
            draw_roc(measured, file)
