"""Where the guide ends from one frame's samples, against a phantom whose guide tip is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from guide_phantom import GuidePhantom
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM, InstrumentPose
from InstrumentTrackerLib.localization.pose_fusion import ALONE_TRUST, MOST_CERTAIN, fuse_guide
from InstrumentTrackerLib.localization.samples.guide_course import FARTHEST_MM, NEAREST_MM
from InstrumentTrackerLib.localization.samples.guide_samples import MODEL_STD_MM, GuideLeft, GuideSight
from InstrumentTrackerLib.localization.samples.guide_search import MISTAKEN, TEMPERATURE, GuidePosterior
from InstrumentTrackerLib.localization.samples.sample_localizer import SampleLocalizer
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

SEEDS = range(4)


def followed(
    phantom: GuidePhantom, depths: list[float | None], seen: list[float | None], contrast: float = 1.0
) -> list[GuideSight | GuideLeft | None]:
    """The sights of a series whose guide tip is at ``depths``; its pictures show it at ``seen``."""
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    sights = []
    for index, (depth, shown) in enumerate(zip(depths, seen, strict=True)):
        localizer.ingest(phantom.frame(depth, index, contrast if index == len(depths) - 1 else 1.0))
        image = phantom.image(shown, index)
        course = None if shown is None else phantom.course(shown)
        sights.append(localizer.find_guide(image, course, shown is not None, True))
    return sights


def stacked(first: KSpaceFrame, second: KSpaceFrame) -> KSpaceFrame:
    """Two slices of one."""
    data, mask = np.concatenate([first.data, second.data], axis=1), np.concatenate([first.mask, second.mask])
    return replace(first, data=data, mask=mask)


def error(sight: GuideSight | GuideLeft | None, phantom: GuidePhantom, depth: float) -> float:
    assert isinstance(sight, GuideSight)
    return float((sight.guide_tip - phantom.tip(depth)) @ phantom.axis)


@pytest.mark.parametrize("angle_deg", [90.0, 75.0, 40.0, 0.0])
def test_an_entering_guide_ends_where_it_does_and_not_where_the_picture_shows_it(angle_deg: float) -> None:
    """The picture's guide is 20 mm too long, as pictures of few lines are."""
    errors = []
    for seed in SEEDS:
        phantom = GuidePhantom(seed, angle_deg)
        errors.append(error(followed(phantom, [None, -5.0], [None, 15.0])[1], phantom, -5.0))
    assert np.median(np.abs(errors)) < 0.7 and np.max(np.abs(errors)) < 2.0


def test_a_guide_that_advances_is_ahead_of_its_picture() -> None:
    errors = []
    for seed in SEEDS:
        phantom = GuidePhantom(seed)
        depths: list[float | None] = [None, -10.0, -4.0, 3.0]
        sights = followed(phantom, depths, [None, -10.0, -9.0, -6.0])
        errors += [error(sight, phantom, depth) for sight, depth in zip(sights[1:], depths[1:], strict=True)]
    assert np.median(np.abs(errors)) < 0.7 and np.max(np.abs(errors)) < 2.0


@pytest.mark.parametrize("gel", [(0.9, 0.0), (0.3, 0.3), (1.3, 1.3)])
@pytest.mark.parametrize("gel_phase", [0.0, 2.0, -2.0])
def test_brightness_and_phase_of_the_gel_do_not_matter(gel: tuple[float, float], gel_phase: float) -> None:
    phantom = GuidePhantom(1, gel=gel, gel_phase=gel_phase)
    assert abs(error(followed(phantom, [None, -5.0], [None, 12.0])[1], phantom, -5.0)) < 2.0


def test_a_line_in_the_picture_without_a_guide_in_the_samples_is_no_sight() -> None:
    for seed in SEEDS:
        assert followed(GuidePhantom(seed), [None, None], [None, 5.0])[1] is None


@pytest.mark.parametrize("contrast", [2.0, 3.0])
def test_a_contrast_that_has_changed_is_survived_or_said(contrast: float) -> None:
    """Everything that the background predicts is wrong."""
    for seed in SEEDS:
        phantom = GuidePhantom(seed)
        sight = followed(phantom, [None, -5.0], [None, 12.0], contrast)[1]
        assert not isinstance(sight, GuideSight) or sight.confidence < 0.9 or abs(error(sight, phantom, -5.0)) < 3.0


def test_a_guide_that_was_there_from_the_beginning_tells_nothing() -> None:
    assert followed(GuidePhantom(0), [0.0, 0.0], [0.0, 0.0])[1] is None


def test_the_stated_confidence_is_kept() -> None:
    """Of what is stated with 0.9, nine of ten lie within 3 mm, at any noise."""
    near, stated = 0, 0
    for seed in range(8):
        for noise in (0.015, 0.06, 0.15):
            phantom = GuidePhantom(seed, noise=noise)
            sight = followed(phantom, [None, -5.0], [None, 10.0])[1]
            if isinstance(sight, GuideSight) and sight.confidence >= 0.9:
                stated += 1
                near += abs(error(sight, phantom, -5.0)) < 3.0
    assert stated >= 8 and near >= 0.9 * stated


def test_other_lines_of_the_same_frame_are_asked_and_those_of_another_are_not() -> None:
    phantom = GuidePhantom(0)
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    localizer.ingest(phantom.frame(None, 0))
    localizer.find_guide(phantom.image(None, 0), None, False, True)
    localizer.ingest(phantom.frame(-5.0, 2))
    assert localizer.find_guide(phantom.image(10.0, 1), phantom.course(10.0), True, True) is None


@pytest.mark.parametrize("acceleration", [1.0, 2.0])
def test_of_a_frame_with_many_lines_some_are_asked(acceleration: float) -> None:
    errors = []
    for seed in SEEDS:
        phantom = GuidePhantom(seed, acceleration=acceleration)
        errors.append(error(followed(phantom, [None, -5.0], [None, 10.0])[1], phantom, -5.0))
    assert np.median(np.abs(errors)) < 0.7 and np.max(np.abs(errors)) < 2.0


@pytest.mark.parametrize(("acceleration", "cannot_be_late"), [(1.0, True), (3.0, True), (8.0, False), (16.0, False)])
def test_the_frame_tells_whether_its_picture_can_be_late(acceleration: float, cannot_be_late: bool) -> None:
    """A picture made elsewhere does not state its acceleration."""
    localizer = SampleLocalizer()
    localizer.ingest(GuidePhantom(0, acceleration=acceleration).frame(None, 0))
    assert localizer.has_many_lines is cannot_be_late


def sight_at(depth: float, phantom: GuidePhantom) -> GuideSight:
    sight = followed(phantom, [None, depth], [None, depth + 8.0])[1]
    assert isinstance(sight, GuideSight)
    return sight


def pose_at(depth: float, phantom: GuidePhantom, certainty: float = 0.6, std_mm: float = 0.7) -> InstrumentPose:
    return InstrumentPose(
        guide_tip=phantom.tip(depth),
        axis=phantom.axis,
        confidence=certainty,
        guide_confidence=certainty,
        guide_tip_covariance=std_mm**2 * np.eye(3),
        index=1,
    )


def sight_of(phantom: GuidePhantom, depth: np.ndarray, log_likelihood: np.ndarray) -> GuideSight:
    """Samples that say just this of the ends ``depth`` (mm beyond the tip at depth 0)."""
    course = phantom.course(0.0)
    posterior = GuidePosterior(
        depth, TEMPERATURE * log_likelihood[None], np.zeros(depth.size), np.zeros(1, np.complex128), 1.0
    )
    return GuideSight(course, ImagePlane.of(phantom.image(0.0, 0)), posterior)


def along(pose: InstrumentPose, phantom: GuidePhantom) -> float:
    """mm of its guide tip beyond depth 0."""
    assert pose.guide_tip is not None
    return float((pose.guide_tip - phantom.tip(0.0)) @ phantom.axis)


def test_where_they_agree_the_tip_lies_between_and_is_surer_than_either() -> None:
    """Two normal errors: the mean weighted by precision, and the sum of the precisions."""
    phantom = GuidePhantom(2)
    depth = np.arange(-20.0, 20.0, 0.05)
    sight = sight_of(phantom, depth, -0.5 * ((depth - 1.0) / 0.8) ** 2)
    picture = pose_at(0.0, phantom, certainty=0.9, std_mm=0.7)
    fused = fuse_guide(picture, sight, shows_all=False)
    precisions = 1 / (0.7**2 + MODEL_STD_MM**2), 1 / 0.8**2
    assert along(fused, phantom) == pytest.approx(precisions[1] / sum(precisions), abs=0.02)
    assert fused.certainty_of_guide > 0.95
    variance = phantom.axis @ fused.guide_tip_covariance @ phantom.axis
    assert variance == pytest.approx(1 / sum(precisions) + MODEL_STD_MM**2, rel=0.03)
    across = np.cross(phantom.axis, [0.0, 1.0, 0.0])
    assert across @ fused.guide_tip_covariance @ across == pytest.approx(0.49)


@pytest.mark.parametrize("certainty", [0.3, 0.6, 0.8, 0.95])
@pytest.mark.parametrize("doubt", [0.5, 3.0, 6.0])
def test_where_they_contradict_each_other_bayes_rule_tells_which_is_right(certainty: float, doubt: float) -> None:
    """The samples have an end of their own, 12 mm on, which is ``doubt`` nats likelier than the picture's."""
    phantom = GuidePhantom(2)
    depth = np.arange(-40.0, 20.0, 0.1)
    likelihood = np.logaddexp(-0.5 * (depth / 1.0) ** 2 - doubt, -0.5 * ((depth - 12.0) / 1.0) ** 2)
    fused = fuse_guide(pose_at(0.0, phantom, certainty, 1.0), sight_of(phantom, depth, likelihood), shows_all=False)
    # By numbers: picture and samples are right, or they are wrong and the guide ends anywhere.
    spread = np.hypot(1.0, MODEL_STD_MM)
    right = certainty * np.exp(-0.5 * (depth / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    anywhere = 1 / (FARTHEST_MM - NEAREST_MM)
    by_samples = np.exp(likelihood) / (np.exp(likelihood).sum() * 0.1)
    density = ((1 - MISTAKEN) * by_samples + MISTAKEN * anywhere) * (right + (1 - certainty) * anywhere)
    density /= density.sum()
    chosen = depth[density.argmax()]
    near = np.abs(depth - chosen) <= CLOSE_MM
    assert along(fused, phantom) == pytest.approx(density[near] @ depth[near] / density[near].sum(), abs=0.05)
    assert fused.certainty_of_guide == pytest.approx(min(density[near].sum(), MOST_CERTAIN), abs=0.02)


@pytest.mark.parametrize("depth_mm", [0.0, 1.3, 2.0, 3.1])
def test_a_picture_whose_end_lies_between_two_that_were_tried_is_heard(depth_mm: float) -> None:
    """The samples know nothing; what is left is what the picture says."""
    phantom = GuidePhantom(2)
    depth = np.arange(-40.0, 20.1, 4.0)
    sight = sight_of(phantom, depth, np.zeros(depth.size))
    fused = fuse_guide(pose_at(depth_mm, phantom, certainty=0.9, std_mm=0.5), sight, shows_all=False)
    assert along(fused, phantom) == pytest.approx(depth_mm, abs=0.1)
    assert fused.certainty_of_guide == pytest.approx(0.9, abs=0.03)


def test_an_end_that_the_samples_dismissed_is_right_where_they_are_mistaken() -> None:
    phantom = GuidePhantom(2)
    depth = np.arange(6.0, 18.0, 0.1)
    sight = sight_of(phantom, depth, -0.5 * ((depth - 12.0) / 1.0) ** 2)
    fused = fuse_guide(pose_at(-10.0, phantom, certainty=0.9), sight, shows_all=False)
    assert along(fused, phantom) == pytest.approx(12.0, abs=0.1)
    # Either may be wrong: the samples, then it ends where the picture says, or the picture.
    of_samples, of_picture = (1 - MISTAKEN) * (1 - 0.9), MISTAKEN * 0.9
    assert fused.certainty_of_guide == pytest.approx(of_samples / (of_samples + of_picture), abs=0.03)


@pytest.mark.parametrize("certainty", [0.3, 0.6, 0.85])
def test_decisive_samples_overrule_a_picture_that_is_not_as_sure(certainty: float) -> None:
    phantom = GuidePhantom(2)
    fused = fuse_guide(pose_at(9.0, phantom, certainty), sight_at(-5.0, phantom), shows_all=False)
    assert abs(along(fused, phantom) + 5.0) < 2.0
    samples_right, picture_right = (1 - MISTAKEN) * (1 - certainty), MISTAKEN * certainty
    expected = samples_right / (samples_right + picture_right)
    assert fused.certainty_of_guide == pytest.approx(min(expected, MOST_CERTAIN), abs=0.03)


def test_where_both_are_as_sure_as_can_be_and_contradict_neither_is_believed() -> None:
    phantom = GuidePhantom(2)
    fused = fuse_guide(pose_at(9.0, phantom, certainty=1.0), sight_at(-5.0, phantom), shows_all=False)
    assert fused.certainty_of_guide < 0.55


def test_a_picture_of_many_lines_that_is_sure_is_not_overruled() -> None:
    """It cannot be late; where it is in doubt, some of its own lines help as any others."""
    phantom = GuidePhantom(2)
    sight = sight_at(-5.0, phantom)
    sure, doubtful = pose_at(9.0, phantom, certainty=0.95), InstrumentPose(confidence=0.2, index=1)
    contradicted = fuse_guide(sure, sight, shows_all=True)
    np.testing.assert_allclose(contradicted.guide_tip, sure.guide_tip)
    assert contradicted.confidence == pytest.approx(0.475)
    assert fuse_guide(sure, GuideLeft(), shows_all=True) is sure
    assert fuse_guide(doubtful, sight, shows_all=True).guide_tip is not None
    assert fuse_guide(doubtful, GuideLeft(), shows_all=True).has_left


def test_a_picture_of_many_lines_that_is_not_sure_is_overruled_as_any_other() -> None:
    phantom = GuidePhantom(2)
    fused = fuse_guide(pose_at(9.0, phantom, certainty=0.7), sight_at(-5.0, phantom), shows_all=True)
    assert abs(along(fused, phantom) + 5.0) < 2.0


def test_a_doubtful_line_becomes_a_guide_by_its_samples() -> None:
    phantom = GuidePhantom(2)
    sight = sight_at(-5.0, phantom)
    fused = fuse_guide(InstrumentPose(confidence=0.2, index=1), sight, shows_all=False)
    np.testing.assert_allclose(fused.guide_tip, sight.guide_tip)
    np.testing.assert_allclose(fused.axis, phantom.axis, atol=1e-6)
    assert fused.confidence == pytest.approx(ALONE_TRUST * min(sight.confidence, MOST_CERTAIN))


@pytest.mark.parametrize(("certainty", "is_taken"), [(0.4, True), (0.6, False)])
def test_what_the_samples_find_on_another_line_replaces_a_doubtful_guide_and_no_other(
    certainty: float, is_taken: bool
) -> None:
    phantom = GuidePhantom(0)
    sight = replace(sight_at(-5.0, phantom), is_shown=False)
    beside = np.cross(phantom.axis, [0.0, 1.0, 0.0])
    pose = replace(pose_at(-5.0, phantom, certainty), guide_tip=phantom.tip(-5.0) + 20.0 * beside)
    fused = fuse_guide(pose, sight, shows_all=False)
    if is_taken:
        np.testing.assert_allclose(fused.guide_tip, sight.guide_tip)
        assert fused.is_unshown and fused.certainty_of_guide <= ALONE_TRUST
    else:
        assert fused is pose


def test_two_lines_that_explain_the_samples_alike_are_rivals() -> None:
    sight = sight_at(-5.0, GuidePhantom(0))
    aside, turned = (replace(sight, course=sight.course.moved(*move)) for move in ((0.0, 20.0), (40.0, 0.0)))
    near = replace(sight, course=sight.course.moved(2.0, 2.0))
    worse = replace(aside, posterior=replace(sight.posterior, log_evidence=sight.posterior.log_evidence - 100.0))
    assert [other.rivals(sight) for other in (aside, turned, near, worse)] == [True, True, False, False]


def test_samples_that_do_not_know_either_make_no_guide_of_a_doubtful_line() -> None:
    phantom = GuidePhantom(2)
    depth = np.arange(-40.0, 20.0)
    pose = InstrumentPose(confidence=0.2, index=1)
    assert fuse_guide(pose, sight_of(phantom, depth, np.zeros(depth.size)), shows_all=False) is pose


def test_without_a_sight_nothing_changes() -> None:
    pose = pose_at(3.0, GuidePhantom(0))
    assert fuse_guide(pose, None, shows_all=False) is pose


def test_a_picture_that_misses_the_guide_does_not_make_it_tissue() -> None:
    phantom = GuidePhantom(3)
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    for index, (depth, is_seen) in enumerate([(None, False), (-8.0, True), (-8.0, False), (-3.0, True)]):
        localizer.ingest(phantom.frame(depth, index))
        course = phantom.course(-8.0) if is_seen else None
        sight = localizer.find_guide(phantom.image(depth, index), course, is_seen, True)
    assert abs(error(sight, phantom, -3.0)) < 2.0


CAME = [None, -10.0, -4.0, 3.0]


@pytest.mark.parametrize("angle_deg", [90.0, 75.0, 40.0, 0.0])
@pytest.mark.parametrize("acceleration", [8.0, 16.0])
def test_a_guide_that_leaves_is_missed_by_the_samples_while_the_picture_still_shows_it(
    angle_deg: float, acceleration: float
) -> None:
    for seed in SEEDS[:2]:
        phantom = GuidePhantom(seed, angle_deg, acceleration)
        sights = followed(phantom, [*CAME, None, None], [*CAME, 3.0, -2.0])
        assert [type(sight) for sight in sights[1:]] == [GuideSight] * 3 + [GuideLeft] * 2


@pytest.mark.parametrize("angle_deg", [90.0, 40.0, 0.0])
def test_a_guide_that_stays_or_is_drawn_back_has_not_left(angle_deg: float) -> None:
    for seed in SEEDS[:2]:
        phantom = GuidePhantom(seed, angle_deg)
        sights = followed(phantom, [*CAME, *[3.0] * 8, -32.0], [*CAME, *[3.0] * 9])
        assert not any(isinstance(sight, GuideLeft) for sight in sights)


def test_where_the_picture_shows_no_guide_any_more_the_samples_tell_that_it_has_left() -> None:
    for seed in SEEDS[:2]:
        sights = followed(GuidePhantom(seed), [*CAME, None, None], [*CAME, None, None])
        assert [type(sight) for sight in sights[-2:]] == [GuideLeft] * 2


@pytest.mark.parametrize("angle_deg", [90.0, 40.0, 0.0])
def test_where_the_picture_shows_no_guide_any_more_the_samples_tell_where_it_is(angle_deg: float) -> None:
    errors = []
    for seed in SEEDS[:2]:
        phantom = GuidePhantom(seed, angle_deg)
        hidden = [9.0, 16.0, 22.0, 27.0]
        sights = followed(phantom, [*CAME, *hidden], [*CAME, None, None, None, None])
        hidden_sights = zip(sights[len(CAME) :], hidden, strict=True)
        errors += [abs(error(sight, phantom, depth)) for sight, depth in hidden_sights]
    assert np.median(errors) < 0.7 and np.max(errors) < 5.0


def test_a_doubtful_picture_that_shows_the_guide_in_the_wrong_slice_does_not_hide_it() -> None:
    near, far = GuidePhantom(0), GuidePhantom(1)
    localizer = SampleLocalizer()
    localizer.set_planning(stacked(near.planning(), far.planning()))
    for index, (depth, is_seen) in enumerate([(None, False), (-10.0, True), (-4.0, True), (3.0, False)]):
        localizer.ingest(stacked(near.frame(depth, index), far.frame(None, index)))
        picture = np.concatenate([near.image(depth, index).data, far.image(None, index).data])
        course = None if depth is None else near.course(depth)
        doubtful = course if course is None or is_seen else replace(course, slice_index=1.0)
        sight = localizer.find_guide(replace(near.image(depth, index), data=picture), doubtful, is_seen, True)
    assert isinstance(sight, GuideSight) and sight.course.slice_index == 0.0
    assert abs(error(sight, near, 3.0)) < 2.0


@pytest.mark.parametrize(("is_seen", "expected"), [(False, GuideLeft), (True, type(None))])
def test_a_doubtful_line_elsewhere_does_not_hide_that_the_guide_has_left(is_seen: bool, expected: type) -> None:
    """Where a guide was, pictures of few lines show remains in odd directions; a sure one is another guide."""
    for seed in SEEDS[:2]:
        phantom, other = GuidePhantom(seed, 90.0), GuidePhantom(seed, 40.0)
        localizer = SampleLocalizer()
        localizer.set_planning(phantom.planning())
        sight: GuideSight | GuideLeft | None = None
        for index, depth in enumerate([*CAME, None, None]):
            localizer.ingest(phantom.frame(depth, index))
            has_gone = index >= len(CAME)
            course = other.course(0.0) if has_gone else None if depth is None else phantom.course(depth)
            sight = localizer.find_guide(phantom.image(depth, index), course, is_seen or not has_gone, True)
        assert type(sight) is expected


def test_nobody_is_asked_for_ever_about_a_guide_that_no_picture_shows() -> None:
    assert followed(GuidePhantom(0), [*CAME, *[None] * 8], [*CAME, *[None] * 8])[-2:] == [None] * 2


def test_a_guide_that_has_gone_into_the_next_slice_has_not_left() -> None:
    """Its picture still shows it in the slice before."""
    near, far = GuidePhantom(0), GuidePhantom(1)
    for depth_beyond, expected in ((3.0, type(None)), (None, GuideLeft)):
        localizer = SampleLocalizer()
        localizer.set_planning(stacked(near.planning(), far.planning()))
        for index, depth in enumerate([*CAME, None]):
            depth_far = depth_beyond if index == len(CAME) else None
            localizer.ingest(stacked(near.frame(depth, index), far.frame(depth_far, index)))
            shown = 3.0 if index == len(CAME) else depth
            picture = np.concatenate([near.image(shown, index).data, far.image(None, index).data])
            course = None if shown is None else near.course(shown)
            sight = localizer.find_guide(replace(near.image(shown, index), data=picture), course, True, True)
        assert isinstance(sight, expected)


@pytest.mark.parametrize("contrast", [0.5, 2.0, 3.0])
def test_a_contrast_that_has_changed_is_not_taken_for_a_guide_that_has_left(contrast: float) -> None:
    for seed in SEEDS[:2]:
        sight = followed(GuidePhantom(seed), [*CAME, 3.0], [*CAME, 3.0], contrast)[-1]
        assert not isinstance(sight, GuideLeft)


def test_a_guide_that_was_there_from_the_beginning_is_not_missed() -> None:
    """It is tissue to the memory: what changes when it goes is nothing that a guide would change."""
    for seed in SEEDS[:2]:
        sights = followed(GuidePhantom(seed), [0.0, 0.0, None, None], [0.0, 0.0, 0.0, 0.0])
        assert not any(isinstance(sight, GuideLeft) for sight in sights)


def test_in_doubted_pictures_the_samples_tell_that_the_guide_has_left_and_nothing_else() -> None:
    phantom = GuidePhantom(0)
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    sights = []
    for index, (depth, shown) in enumerate(zip([*CAME, None, None], [*CAME, 3.0, -2.0], strict=True)):
        localizer.ingest(phantom.frame(depth, index))
        picture = replace(phantom.image(shown, index), quality=0.4 if index else 0.9)
        course = None if shown is None else phantom.course(shown)
        sights.append(localizer.find_guide(picture, course, shown is not None, True))
    assert sights[:4] == [None] * 4
    assert [type(sight) for sight in sights[4:]] == [GuideLeft] * 2


def test_ends_that_were_dismissed_may_have_any_evidence_up_to_there() -> None:
    """Beside a fair end elsewhere on the line they are not taken for impossible."""
    posterior = sight_at(-5.0, GuidePhantom(2)).posterior
    depth = np.arange(-44.0, -36.0)
    for best, at_most in ((55.0, 25.0), (-1.0, -31.0)):
        elsewhere = replace(posterior, depth=depth, log_evidence=np.full((1, depth.size), best), misfit=1.0)
        assert elsewhere.evidence_near(0.0, 24.0) == pytest.approx(at_most)


def test_a_guide_that_the_samples_miss_is_not_seen_however_sure_the_picture_is() -> None:
    fused = fuse_guide(pose_at(3.0, GuidePhantom(0), certainty=0.95), GuideLeft(), shows_all=False)
    assert fused.has_left and not fused.is_present and fused.confidence == 0.0
    assert fused.index == 1


def test_an_unreliable_picture_is_not_learned_from() -> None:
    phantom = GuidePhantom(0)
    localizer = SampleLocalizer()
    localizer.set_planning(phantom.planning())
    failed = np.random.default_rng(0).uniform(0, 3, phantom.image(None, 1).data.shape).astype(np.float32)
    pictures = [
        phantom.image(None, 0),
        replace(phantom.image(None, 1), data=failed, quality=0.1),
        phantom.image(9.0, 2),
    ]
    for index, (depth, picture) in enumerate(zip((None, None, -5.0), pictures, strict=True)):
        localizer.ingest(phantom.frame(depth, index))
        sight = localizer.find_guide(picture, phantom.course(9.0) if index == 2 else None, index == 2, True)
    assert abs(error(sight, phantom, -5.0)) < 2.0
