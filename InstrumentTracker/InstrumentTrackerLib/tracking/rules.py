"""When an instrument is called tracked, predicted, lost or absent: all rules and their limits.

A *sight* is a picture in which the localizer found guide tip and axis with a confidence of at least
``MIN_CONFIDENCE``; in one that its own method doubts, without a needle. A *weak sight* has less. Two in a row, or with
pictures without any between them for at most ``HELD_MS``, *agree* if they lie near each other, or ahead on their line,
and leave together no more doubt than two of ``PAIR_CONFIDENCE`` do: a stronger one makes up for a weaker one; of a
guide that the samples find and no picture shows it takes ``UNSHOWN_SIGHTS``. A sight *fits* if it lies within what a
hand can do since the last picture, in 999 of 1000 cases (:mod:`~InstrumentTrackerLib.tracking.motion_filter`), and
never farther from what was expected than 30 mm along the guide, 12 mm and 17 degrees across it; directions of unknown
position (through the plane) are left out. All limits of states are times, because frames last 36 ms to 730 ms.

=====================  ==================================================  ==========================================
state before           this picture                                        state after
=====================  ==================================================  ==========================================
absent                 sight of confidence >= 0.9                          tracked
absent                 any other sight, weak ones too                      absent; tracked if the next one agrees
tracked, predicted     sight that fits                                     tracked
tracked, predicted     none; or one that contradicts, or that agrees with  predicted, for at most ``PREDICTION_MS``
                       one that contradicted                               since the last fit; then lost. After a
                                                                           single sight: lost at once
tracked, predicted     none, and the samples say in two pictures without   lost with the second of them
                       a sight between that the guide has left
tracked, predicted     the third or later in a row that contradict and     tracked, there
                       agree, over ``CONVINCING_MS``
lost                   sight near the last place                           as from absent
lost                   sights elsewhere (a look-alike? moved?)             tracked with the third that agree
lost                   pictures without instrument for ``WITHDRAWN_MS``    absent (withdrawn, or out of the slices)
                       (at least three)
any                    doubted picture without a sight                     predicted as above, else lost; never absent
any                    after a pause of more than ``MAX_PAUSE_MS``         as from absent, the last place forgotten;
                                                                           lost where nothing is tracked
any                    frame number repeats or steps back                  a new series: as from absent
=====================  ==================================================  ==========================================

The state is that of the reported tip. While the guide is tracked, the needle decides:

========================================================  ==========================================================
needle                                                    state, and what is reported
========================================================  ==========================================================
seen; guide and needle together below ``MIN_CONFIDENCE``  as if it were not seen
seen, fits                                                tracked, needle tip
seen, no farther out than the guide's cap (6.5 mm)        tracked, guide tip: it is in the guide
first seen                                                tracked, guide tip; the needle with its second sight,
                                                          if both leave no more doubt than two of
                                                          ``NEEDLE_PAIR_CONFIDENCE``
first seen while the guide moves by more than             as if it were not seen: tissue that is pushed looks like a
``RESTING_MM`` from picture to picture                    needle
jumps forward on the axis by what a gun throws            predicted, at the new place: a shot; tracked with the
                                                          second sight that agrees, so one frame later; then it
                                                          rests in the guide
then not seen in one picture                              predicted, still at the new place
jumps less, or back, along the axis                       predicted at the old place; tracked at the new one with
                                                          the second sight that agrees
jumps elsewhere, or away from the guide's line            not believed: predicted at the old place
not seen; so near the guide tip that its cap hides it     tracked, guide tip
not seen otherwise                                        predicted, moving with the guide, for at most
                                                          ``PREDICTION_MS``; then lost, without numbers: nobody knows
                                                          whether it is in or out
neither of all that in believable pictures for            it counts as drawn into the guide: tracked, guide tip
``WITHDRAWN_MS`` (at least three)
========================================================  ==========================================================

A gun throws ``MIN_THROW_MM`` to ``MAX_THROW_MM``. A needle without a guide is not followed: nothing says that
it is one.

A prediction goes no farther than 8 mm from where the point was seen last: a picture that lags and catches up looks
like a leap of the instrument.

Confidence: tracked, the measurement's (the guide's where it alone is reported), times how well it fits (1 inside the
expected 95 %, 0.5 at the border);
predicted, that of the last tracked frame, falling to 0 over ``PREDICTION_MS``, halved while a picture contradicts or a
shot is assumed; lost and absent, 0.
"""

from __future__ import annotations

from InstrumentTrackerLib.localization.instrument_pose import FIRST_SIGHT_TRUST

# What two sights that agree leave of doubt, the product of what each leaves: that of two of this confidence. What looks
# like a guide in the tissue stays where it is and agrees with itself: with two of 0.5, and a confidence that knew no
# real anatomy, one of three development series without instrument was tracked for 14 to 20 frames of 22 at R = 8, 16
# and 32.
PAIR_CONFIDENCE = 0.65
PAIR_DOUBT = (1 - PAIR_CONFIDENCE) ** 2
# The same for a needle that is not followed yet: two first sights in the samples are just enough. And how far its guide
# may move from picture to picture: while it moved more, first sights in 12 simulated series of development (R = 16, 25)
# were never right, neither 19 in the samples nor 6 in pictures; otherwise 13 of 36 and 25 of 45 were within 3 mm.
NEEDLE_PAIR_CONFIDENCE, RESTING_MM = FIRST_SIGHT_TRUST, 3.0
NEEDLE_PAIR_DOUBT = (1 - NEEDLE_PAIR_CONFIDENCE) ** 2
# A first sight this sure needs no second one, not even in a picture that its own method doubts: that doubt tells the
# error of the whole picture and says little of the tip. In doubted pictures of 16 simulated volumes of development 69
# of 69 tips seen at 0.9 or more were within 4 mm (58 within 3 mm, fewer than that confidence promises), and in 375
# pictures of real volumes without instrument nothing was seen above 0.64.
SURE_CONFIDENCE = 0.9
# One frame of the slowest protocol (730 ms) may be bridged, and not much more: a hand stops or turns within a second.
PREDICTION_MS = 800.0
# So many times the samples must say that the guide has left: one may be a mistake.
LEFT_PICTURES = 2
# Without an instrument in believable pictures for this long it was withdrawn.
WITHDRAWN_MS = 2000.0
WITHDRAWN_PICTURES = 3
# After a longer pause the past says nothing.
MAX_PAUSE_MS = 3000.0
# Series without usable times are taken to run at this pace.
FRAME_INTERVAL_MS = 250.0
# Two sights of something not followed yet agree within this distance and angle; ahead on its line the instrument may
# have gone as far as a hand pushes it in from picture to picture, for it is first seen on its way in.
AGREEMENT_MM, AGREEMENT_DEG, AHEAD_MM = 8.0, 15.0, 20.0
# Pictures without a sight between two that agree: frames that hold no center of k-space show nothing of a guide that
# has just come.
HELD_MS = 500.0
# Sights needed that agree where no picture shows the guide: few samples confuse a guide with another line, and in two
# of ten series of development at R = 25 did so twice in a row (30 mm off, and 95 while lines were searched farther
# aside).
UNSHOWN_SIGHTS = 3
# Sights needed, none of them weak, where the instrument was lost elsewhere.
SIGHTS_ELSEWHERE = 3
# So long they must last to outweigh a prediction: a look-alike comes and goes with the picture's noise.
CONVINCING_MS = 300.0
# Nearer than this to where it was lost, it is the same instrument.
SAME_PLACE_MM = 20.0
# Biopsy guns throw their needle 15 to 25 mm; both sights have their error.
MAX_THROW_MM = 28.0
MIN_THROW_MM = 14.0
# Factor on the confidence of a measurement at the border of what fits, and of a prediction that is contradicted or
# that assumes a shot.
BORDER_CONFIDENCE = 0.5
CONTRADICTED_CONFIDENCE = 0.5
