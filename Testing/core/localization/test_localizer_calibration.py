"""Spreads and confidence fitted on known errors, and the file that carries them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bar_masks import mask_of, probabilities
from bar_phantom import BarOptions, draw_case
from InstrumentTrackerLib.evaluation import localizer_calibration
from InstrumentTrackerLib.evaluation.calibration_fit import fit_logistic, fit_spread
from InstrumentTrackerLib.evaluation.localizer_calibration import calibrated
from InstrumentTrackerLib.localization.masks.calibration import SPREADS, Calibration, Spread
from InstrumentTrackerLib.localization.masks.guide_estimate import weigh
from InstrumentTrackerLib.localization.masks.image_confidence import NEEDLE_EVIDENCE, NeedleEvidence
from InstrumentTrackerLib.localization.masks.mask_localizer import MaskLocalizer
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.segmentation.registry import calibration_file
from TemporalReconLib.errors import InputError


def test_a_known_floor_and_factor_are_found_again():
    rng = np.random.default_rng(0)
    stated = rng.uniform(0.1, 2.0, 4000)
    errors = rng.normal(0, np.hypot(0.4, 1.5 * stated))
    spread = fit_spread(list(zip(errors, stated, strict=True)), Spread(1.0, 1.0))
    assert spread.floor_mm == pytest.approx(0.4, abs=0.12)
    assert spread.factor == pytest.approx(1.5, rel=0.08)
    normalized = errors / [spread.std_mm(value) for value in stated]
    assert np.mean(normalized**2) == pytest.approx(1.0, abs=0.1)


def test_gross_failures_and_too_few_samples_do_not_set_the_spread():
    otherwise = Spread(0.7, 1.0)
    assert fit_spread([(0.1, 0.1)] * 5, otherwise) is otherwise
    rng = np.random.default_rng(1)
    clean = [(float(error), 0.5) for error in rng.normal(0, 0.5, 500)]
    failed = [*clean, *[(40.0, 0.5)] * 50]
    assert fit_spread(failed, otherwise).std_mm(0.5) == pytest.approx(fit_spread(clean, otherwise).std_mm(0.5))


def test_confidence_becomes_the_share_of_successes():
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(4000):
        values = rng.uniform(0, 1, len(NEEDLE_EVIDENCE))
        odds = -3.0 + 6.0 * values[0] + 2.0 * values[2]
        rows.append((NeedleEvidence(*values), bool(rng.random() < 1 / (1 + np.exp(-odds)))))
    model = fit_logistic(NEEDLE_EVIDENCE, rows)
    stated = np.array([model.probability(evidence) for evidence, _ in rows])
    close = np.array([close for _, close in rows])
    for low, high in [(0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0)]:
        chosen = (stated >= low) & (stated < high)
        assert close[chosen].mean() == pytest.approx(stated[chosen].mean(), abs=0.06)


def test_evidence_never_lowers_the_odds():
    rng = np.random.default_rng(3)
    rows = [(NeedleEvidence(*rng.uniform(0, 1, len(NEEDLE_EVIDENCE))), False) for _ in range(50)]
    rows = [(evidence, evidence.course < 0.5) for evidence, _ in rows]
    assert min(fit_logistic(NEEDLE_EVIDENCE, rows).weights.values()) >= 0


def test_successes_alone_do_not_make_certainty():
    evidence = NeedleEvidence(*[0.8] * len(NEEDLE_EVIDENCE))
    few = fit_logistic(NEEDLE_EVIDENCE, [(evidence, True)] * 8).probability(evidence)
    many = fit_logistic(NEEDLE_EVIDENCE, [(evidence, True)] * 400).probability(evidence)
    assert 0.7 < few < 0.95 < many < 1.0


def test_two_measurements_are_weighed_by_their_spreads_and_a_contradiction_is_not():
    value, std = weigh((1.0, 1.0), (2.0, 0.5))
    assert (value, std) == pytest.approx((1.8, np.sqrt(0.2)))
    assert weigh((0.0, 0.5), (9.0, 0.1)) == (0.0, 0.5)


def test_the_shipped_calibration_is_complete_and_survives_writing(tmp_path):
    shipped = Calibration.read()
    assert set(shipped.spreads) == set(SPREADS)
    assert all(0 < spread.std_mm(0.5) < 10 for spread in shipped.spreads.values())
    assert shipped.provenance
    shipped.write(tmp_path / "again.json")
    assert Calibration.read(tmp_path / "again.json") == shipped


@pytest.mark.parametrize("content", ["", "{}", '{"spreads": 3}', "[1]"])
def test_a_broken_calibration_is_named(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"calibration\.json"):
        Calibration.read(path)


def test_a_network_of_ones_own_has_the_calibration_that_lies_beside_it(tmp_path):
    shipped = Calibration.read()
    assert Calibration.of_model(None) == Calibration.of_model(tmp_path) == shipped
    own = replace(shipped, provenance="fitted to another network")
    own.write(calibration_file(tmp_path))
    weights = tmp_path / "model.safetensors"
    weights.touch()
    assert Calibration.of_model(tmp_path) == Calibration.of_model(weights) == own


def test_confidence_follows_the_calibration_that_the_pipeline_is_given():
    shipped = Calibration.read()
    doubting = replace(shipped, guide=replace(shipped.guide, bias=shipped.guide.bias - 8.0))
    case = draw_case(700, BarOptions(offset_mm=0.4))
    mask = mask_of(case, probabilities(case))
    sure, unsure = (MaskLocalizer(calibration).localize(case.image, mask) for calibration in (shipped, doubting))
    assert sure.confidence > 0.9 and unsure.confidence < 0.3


def test_a_segmenter_that_marks_nothing_is_not_calibrated(monkeypatch):
    monkeypatch.setattr(localizer_calibration, "swept_images", lambda *_, **__: iter(()))
    with pytest.raises(InputError, match="blind marks something in 0 of"):
        calibrated(Blind(), "blind", "cpu", n_series=1)


class Blind:
    """Sees nothing."""

    def segment(self, image):
        return InstrumentMask(np.zeros(image.data.shape, np.uint8), image.ijk_to_ras, image.index)
