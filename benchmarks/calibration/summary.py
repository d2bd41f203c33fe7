"""The trials as a table and as a plot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.calibration.trials import FPIRS, Trial


def table(trials: Sequence[Trial]) -> list[dict[str, object]]:
    keys = sorted({(t.calibrated_on, t.people, t.held_out, t.size, t.fpir) for t in trials})
    rows: list[dict[str, object]] = []
    print("on, people, held out, N, FPIR: threshold, promised, happened (as labelled), kept, supported, card")
    for key in keys:
        same = [t for t in trials if (t.calibrated_on, t.people, t.held_out, t.size, t.fpir) == key]

        def mean(name: str, among: Sequence[Trial] = same) -> float:
            return float(np.mean([getattr(trial, name) for trial in among]))

        row = {
            "calibrated_on": key[0],
            "people": key[1],
            "held_out": key[2],
            "size": key[3],
            "fpir": key[4],
            "trials": len(same),
            **{n: mean(n) for n in ("threshold", "low", "high", "happened", "as_labelled", "card_happened")},
            "least": min(t.happened for t in same),
            "most": max(t.happened for t in same),
            "kept": sum(t.kept for t in same),
            "supported": sum(t.supported for t in same),
            "kept_of_supported": sum(t.kept and t.supported for t in same),
            **{n: mean(n) for n in ("card_low", "card_high")},
            "card_supported": sum(t.card_supported for t in same),
            "card_kept": sum(t.card_kept for t in same),
        }
        rows.append(row)
        print(
            f"{key[0]:6} {key[1]:5} {key[2]:6} {key[3]:5} {key[4]:<6g}: {row['threshold']:.3f}"
            f"  {row['low']:.2g}-{row['high']:.2g}"
            f"  {row['happened']:.2g} [{row['least']:.2g} {row['most']:.2g}]"
            f" ({row['as_labelled']:.2g})  {row['kept']}/{row['trials']}"
            f"  {row['supported']}/{row['trials']}  {row['card_happened']:.2g}"
            f" in {row['card_low']:.2g}-{row['card_high']:.2g}: {row['card_kept']}/{row['trials']}"
            f"{'' if row['card_supported'] else ', not supported'}"
        )
    return rows


def draw(rows: Sequence[dict[str, object]], people: int, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from indexer.pages.plots import set_titles

    figure = Figure(figsize=(12, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, fpir in zip(figure.subplots(1, len(FPIRS)), FPIRS, strict=True):
        for name, colour, shift in (("LFW", "#1f5fa8", 0.94), ("CelebA", "#c2410c", 1.06)):
            here = [
                r
                for r in rows
                if (r["calibrated_on"], r["held_out"], r["people"], r["fpir"]) == (name, name, people, fpir)
            ]
            if not here:
                continue
            sizes, low, high, happened, least, most, card = (
                np.array([float(str(r[k])) for r in here])
                for k in ("size", "low", "high", "happened", "least", "most", "card_happened")
            )
            x = sizes * shift
            axes.errorbar(
                x,
                np.sqrt(low * high),
                [np.sqrt(low * high) - low, high - np.sqrt(low * high)],
                fmt="none",
                ecolor=colour,
                elinewidth=9,
                alpha=0.25,
                label=f"{name}: promised",
            )
            axes.errorbar(
                x,
                happened,
                [happened - least, most - happened],
                fmt="o",
                color=colour,
                markersize=4,
                capsize=3,
                label=f"{name}: happened",
            )
            axes.plot(x, card, "x", color=colour, markersize=6, label=f"{name}: by the card")
        axes.axhline(fpir, color="#555555", linewidth=1, linestyle=(0, (4, 3)))
        axes.set(xscale="log", yscale="log", xlabel="people enrolled (N)", ylabel="FPIR")
        axes.set_ylim(fpir / 12, fpir * 12)
        set_titles(axes, f"target: {fpir:g}", f"calibrated on {people:,} others")
    axes.legend(frameon=False, fontsize=7)
    figure.savefig(path, format="png")
