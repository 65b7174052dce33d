"""Noise power spectra: not only how much noise, but how coarse."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from TemporalReconLib.benchmark.plot_style import FONT_SIZE

from InstrumentTrackerLib.evaluation.study.report.figure_style import method_styles, study_figure, tidy
from InstrumentTrackerLib.evaluation.study.report.frames import Array, Frames
from InstrumentTrackerLib.evaluation.study.report.section import Condition, Section


def noise_figure(section: Section, mask: str) -> Figure | None:
    """One panel per acceleration; None where no picture has a reference."""
    spectra = {
        condition: spectrum
        for condition, frames in section.frames.items()
        if condition.mask == mask and (spectrum := mean_spectrum(frames)) is not None
    }
    if not spectra:
        return None
    accelerations, styles = section.config.accelerations, method_styles(section.config.methods)
    figure = study_figure(
        section, max(2.75 * len(accelerations), 6.0), 3.3, f"noise power spectrum against full sampling ({mask} mask)"
    )
    grid = figure.subplots(1, len(accelerations), squeeze=False, sharey=True)[0]
    handles = {}
    for axes, acceleration in zip(grid, accelerations, strict=True):
        for method in section.config.methods:
            spectrum = spectra.get(Condition(method, acceleration, mask))
            if spectrum is None:
                continue
            frequencies = (np.arange(spectrum.size) + 0.5) / spectrum.size
            keywords = styles[method].keywords() | {"markersize": 4.0}
            (handles[method],) = axes.plot(frequencies, spectrum, label=method, markevery=3, **keywords)
        axes.set_yscale("log")
        axes.set_title(f"R = {acceleration:g}", fontsize=FONT_SIZE)
        axes.set_xlabel("frequency / Nyquist frequency", fontsize=FONT_SIZE)
        axes.set_xlim(0, 1)
        tidy(axes)
    grid[0].set_ylabel("relative noise power (mm²)", fontsize=FONT_SIZE)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=5, fontsize=FONT_SIZE, frameon=False)
    return figure


def mean_spectrum(frames: Frames) -> Array | None:
    """Mean over frames, mm^2, from frequency 0 to Nyquist's; None where none has one."""
    found = [row["noise_spectrum"] for row in frames.rows if "noise_spectrum" in row]
    return np.mean(found, axis=0) if found else None
