"""`gemel evaluate lfw`."""

import time

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption, PlotOption
from indexer.evaluation.lfw import read_pairs
from indexer.evaluation.provenance import here
from indexer.evaluation.verification import rates
from indexer.evaluation.verification.plot import draw_roc
from indexer.evaluation.verification.report import report
from indexer.pipeline.embed_files import embed_with


def lfw(
    data: DataOption,
    model: ModelOption = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
    plot_file: PlotOption = None,
) -> None:
    """Verification (1:1) on the pairs in pairs.txt, such as LFW's 6,000 pairs in ten folds.

    Example: `gemel evaluate lfw --data lfw --model sface --model dlib-resnet --html lfw.html`
    """
    pairs = read_pairs(data)
    files = sorted({image for pair in pairs for image in (pair.first, pair.second)})
    start = time.perf_counter()
    with pipelines(model) as opened, progress(len(files)) as advance:
        embedded = embed_with(opened, files, advance)
        models = [pipeline.card.fingerprint for pipeline in opened]
    measured = []
    for fingerprint, embeddings in zip(models, embedded, strict=True):
        trials = rates.compare(embeddings, pairs)
        result = rates.measure(
            trials,
            undetected=embeddings.undetected,
            seconds=time.perf_counter() - start,
            model=fingerprint,
        )
        measured.append((rates.roc(trials), result))
    made = here("gemel evaluate lfw")
    description = f"{data.name}: {len(pairs):,} pairs of {len(files):,} images"
    publish(
        report(made, description, measured),
        made,
        [result for _, result in measured],
        json_file,
        html_file,
        data=description,
    )
    if plot_file:
        with plot_file.open("wb") as file:
            draw_roc(measured, file)
