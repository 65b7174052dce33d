"""Procedural male pelvis: where each tissue lies, in mm, RAS, with the prostate's center at the origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.simulation.shapes import Array, Points, Vector, capsule, ellipsoid, smooth_union, tube
from TemporalReconLib.simulation.texture import Texture
from TemporalReconLib.simulation.tissue_painter import TissuePainter

# Anal verge of the average pelvis; the guide turns about a point near it.
ANAL_VERGE: Vector = (0.0, -52.0, -54.0)


@dataclass(frozen=True)
class Pelvis:
    """Shape of one patient.

    Attributes
    ----------
    size
        Scale of the whole pelvis about the prostate.
    prostate_radii
        Half axes right-left, anterior-posterior, superior-inferior.
    bladder_radii
        Half axes; the bladder rests on the prostate.
    rectum_radius
        Inner radius of the rectum above the anal canal.
    gas
        Bubbles in the rectum: (x, y, z, radius).
    bowel
        Loops above the bladder: (x, y, z, radius, share of fluid).
    warp_amplitude, warp_phase
        Smooth random deformation that makes every structure irregular and left differ from right.
    fat_mm
        Thickness of the subcutaneous fat.
    """

    size: float
    prostate_radii: tuple[float, float, float]
    bladder_radii: tuple[float, float, float]
    rectum_radius: float
    gas: tuple[tuple[float, float, float, float], ...]
    bowel: tuple[tuple[float, float, float, float, float], ...]
    warp_amplitude: NDArray[np.float64]
    warp_phase: NDArray[np.float64]
    fat_mm: float

    @classmethod
    def random(cls, generator: np.random.Generator) -> Pelvis:
        uniform = generator.uniform
        gas = tuple(
            (uniform(-3, 3), *rectum_center(height, uniform(2, 5)), uniform(5.0, 9.0))
            for height in uniform([-8.0, 12.0, 34.0, 60.0], [4.0, 26.0, 52.0, 80.0])
            if uniform() < 0.75
        )
        bowel = tuple(
            (uniform(-85, 85), uniform(15, 75), uniform(78, 140), uniform(11, 19), uniform(0.0, 0.5)) for _ in range(16)
        )
        return cls(
            size=uniform(0.94, 1.06),
            prostate_radii=(uniform(22, 29), uniform(14, 19), uniform(18, 25)),
            bladder_radii=(uniform(26, 42), uniform(20, 30), uniform(16, 28)),
            rectum_radius=uniform(8, 13),
            gas=gas,
            bowel=bowel,
            warp_amplitude=uniform(0.3, 1.0, (3, 6)) * np.array([3.2, 2.4, 1.6, 1.0, 0.6, 0.45]),
            warp_phase=uniform(0, 2 * np.pi, (3, 6)),
            fat_mm=uniform(14, 26),
        )

    def warped(self, points: Points) -> Points:
        """Points in the coordinates of the average pelvis."""
        wavelength = (150.0, 95.0, 60.0, 38.0, 24.0, 15.0)
        scaled = [p / np.float32(self.size) for p in points]
        result = []
        for axis in range(3):
            moved = scaled[axis].copy()
            for term, length in enumerate(wavelength):
                first, second = scaled[(axis + 1 + term) % 3], scaled[(axis + 2 + term) % 3]
                k = np.float32(2 * np.pi / length)
                phase = np.float32(self.warp_phase[axis, term])
                # Nothing at the origin: the prostate stays where the plan says it is.
                wave = np.sin(k * (first + np.float32(0.6) * second) + phase) - np.sin(phase)
                moved += np.float32(self.warp_amplitude[axis, term]) * wave
            result.append(moved)
        return (result[0], result[1], result[2])

    def body(self, points: Points) -> Array:
        """Skin surface: trunk, buttocks and thighs, with the cleft between the buttocks open."""
        x, y, z = points
        trunk = np.sqrt((x / 172) ** 2 + ((y - 6) / 112) ** 2)
        trunk = np.maximum((trunk - 1) * 112, -60 - z)
        right = (np.abs(x), y, z)
        buttock = ellipsoid(right, (62, -58, -38), (72, 62, 78))
        thigh = capsule(right, (92, 8, -30), (100, 22, -260), 82, 70)
        genitals = ellipsoid(points, (0, 46, -74), (30, 26, 46))
        surface = smooth_union(smooth_union(trunk, buttock, 25), thigh, 30)
        surface = smooth_union(surface, genitals, 14)
        below_anus = (np.float32(ANAL_VERGE[1]) - y) * np.float32(0.66) + (np.float32(ANAL_VERGE[2]) - z) * np.float32(
            0.75
        )
        cleft = np.abs(x) - (np.float32(1.2) + np.float32(0.10) * np.maximum(below_anus, 0))
        return np.asarray(np.maximum(surface, -np.maximum(cleft, -below_anus)), dtype=np.float32)

    def gas_bubbles(self, points: Points) -> Array:
        """Signed distance to the nearest gas bubble of the rectum."""
        distance = np.full(points[0].shape, 1e3, dtype=np.float32)
        for x, y, z, radius in self.gas:
            distance = np.minimum(distance, ellipsoid(points, (x, y, z), (radius, 0.8 * radius, 1.35 * radius)))
        return distance

    def paint(self, points: Points, painter: TissuePainter, texture: Texture) -> None:
        """Paint all tissues at points that are already in the coordinates of the average pelvis."""
        right: Points = (np.abs(points[0]), points[1], points[2])
        body = self.body(points)
        painter.paint("skin", body)
        painter.paint("fat", body + 2.2, texture.fat)
        self._paint_muscles(points, right, body, painter, texture)
        self._paint_bones(points, right, painter, texture)
        self._paint_vessels(right, painter)
        self._paint_bowel(points, painter, texture)
        self._paint_bladder(points, painter)
        self._paint_prostate(points, right, painter, texture)
        painter.paint("air", np.maximum(self.gas_bubbles(points), body))

    def _paint_muscles(
        self, points: Points, right: Points, body: Array, painter: TissuePainter, texture: Texture
    ) -> None:
        inner = np.minimum(-body - self.fat_mm, 60.0)
        muscles = (
            ellipsoid(right, (24, 92, 70), (24, 7, 85)),  # rectus abdominis
            ellipsoid(right, (80, -64, -26), (46, 27, 64)),  # gluteus maximus
            ellipsoid(right, (128, -12, 62), (20, 48, 50)),  # gluteus medius
            ellipsoid(right, (53, 2, -6), (7, 30, 30)),  # obturator internus
            ellipsoid(right, (46, 26, -34), (26, 9, 14)),  # obturator externus
            tube(right, [(62, 20, 120), (84, 44, 35), (108, 12, -32)], [22, 17, 11]),  # iliopsoas
            tube(right, [(52, 40, -30), (72, 26, -90), (86, 28, -220)], [15, 36, 46]),  # adductors
            tube(right, [(118, 42, 20), (122, 48, -80), (118, 50, -220)], [14, 30, 36]),  # quadriceps
            tube(right, [(72, -30, -52), (84, -24, -120), (90, -20, -220)], [12, 30, 38]),  # hamstrings
            capsule(right, (62, -30, -28), (116, -14, -22), 9, 9),  # quadratus femoris
            ellipsoid(right, (75, -62, 22), (34, 9, 12)),  # piriformis
        )
        muscle = np.minimum.reduce(muscles)
        wall = np.maximum(np.abs(body + self.fat_mm + 5.0) - 5.0, 18.0 - points[2])
        muscle = np.minimum(np.maximum(muscle, -inner * 0.25), np.maximum(wall, -12.0 - points[1]))
        painter.paint("fascia", muscle - 0.5, opacity=0.6)
        painter.paint("muscle", muscle + 0.5, texture.muscle)
        levator = ellipsoid(right, (0, -13, 4), (35, 32, 48))
        levator = np.maximum(np.abs(levator) - 1.9, points[2] - 10)
        painter.paint("muscle", levator, texture.muscle)

    def _paint_bones(self, points: Points, right: Points, painter: TissuePainter, texture: Texture) -> None:
        pelvic = np.minimum.reduce(
            (
                tube(right, [(9, 44, 4), (48, 34, 22), (72, 14, 30)], [10, 8, 14]),  # superior ramus
                tube(right, [(9, 40, -10), (30, 16, -34), (54, -22, -46)], [7, 6, 10]),  # inferior ramus
                ellipsoid(right, (60, -30, -40), (14, 16, 22)),  # ischium
                tube(right, [(70, -18, -20), (74, -20, 26), (92, -32, 60), (112, -30, 120)], [12, 13, 15, 10]),
                ellipsoid(right, (86, 2, 18), (31, 33, 33)),  # acetabulum
            )
        )
        pelvic = np.maximum(pelvic, right[0] - 108)
        self._paint_bone(pelvic, 1.6, painter, texture)
        sacrum = tube(points, [(0, -96, 130), (0, -94, 80), (0, -86, 40), (0, -70, 10)], [26, 21, 13, 5])
        self._paint_bone(sacrum, 1.3, painter, texture)
        painter.paint("fascia", np.maximum(capsule(points, (0, 44, -10), (0, 44, 14), 11, 11), right[0] - 2.0))
        joint = ellipsoid(right, (92, 4, 18), (26.5, 26.5, 26.5))
        painter.paint("cartilage", joint, 1.5)
        head = ellipsoid(right, (92, 4, 18), (24, 24, 24))
        neck = tube(right, [(95, 3, 15), (122, -6, -16), (122, 0, -60), (116, 10, -220)], [16, 17, 15, 14])
        self._paint_bone(smooth_union(head, neck, 5), 2.0, painter, texture)

    def _paint_bone(self, distance: Array, cortex_mm: float, painter: TissuePainter, texture: Texture) -> None:
        painter.paint("cortex", distance)
        painter.paint("marrow", distance + cortex_mm, texture.marrow)

    def _paint_vessels(self, right: Points, painter: TissuePainter) -> None:
        for nodes, radius in (
            ([(58, 18, 120), (66, 48, 60), (80, 70, 10), (88, 66, -60)], 4.6),
            ([(50, 12, 120), (58, 40, 60), (70, 68, 10), (78, 62, -60)], 5.4),
            ([(50, -26, 70), (48, -34, 20), (40, -28, -30)], 2.2),
        ):
            vessel = tube(right, nodes, [radius] * len(nodes))
            painter.paint("smooth_muscle", vessel)
            painter.paint("blood", vessel + 0.9, 1.1)

    def _paint_bowel(self, points: Points, painter: TissuePainter, texture: Texture) -> None:
        heights = (-24.0, -14.0, 2.0, 24.0, 48.0, 76.0, 120.0)
        nodes = [(0.0, *rectum_center(height, 0.0)) for height in heights]
        radius = self.rectum_radius
        lumen_radii = [3.0, 6.0, radius, radius, 0.9 * radius, radius, radius]
        wall = tube(points, nodes, [r + 3.8 for r in lumen_radii])
        canal = tube(points, [ANAL_VERGE, nodes[0]], [3.0, 3.0])
        painter.paint("muscle", canal - 9.0, texture.muscle)
        painter.paint("fat", np.minimum(wall, canal - 4.8) - 0.2, opacity=0.5)
        painter.paint("rectal_wall", smooth_union(wall, canal - 4.6, 3), texture.wall)
        painter.paint("stool", tube(points, nodes, lumen_radii), texture.stool)
        for *place, radius, fluid in self.bowel:
            loop = ellipsoid(points, place, (1.5 * radius, 1.1 * radius, 0.8 * radius))
            painter.paint("rectal_wall", loop, texture.wall)
            painter.paint("stool", loop + 2.2, texture.stool * np.float32(1.5))
            painter.paint("urine", loop + 2.2, texture.glandular, opacity=fluid)

    def bladder_center(self) -> tuple[float, float, float]:
        """The bladder's floor sinks a little into the prostate's base."""
        return (0.0, 0.35 * self.bladder_radii[1] + 4.0, 0.8 * self.prostate_radii[2] + self.bladder_radii[2])

    def _paint_bladder(self, points: Points, painter: TissuePainter) -> None:
        bladder = ellipsoid(points, self.bladder_center(), self.bladder_radii)
        painter.paint("smooth_muscle", bladder - 3.2)
        painter.paint("urine", bladder)

    def _paint_prostate(self, points: Points, right: Points, painter: TissuePainter, texture: Texture) -> None:
        rl, ap, si = self.prostate_radii
        vesicle = tube(right, [(3, -0.8 * ap, si - 2), (16, -ap, si + 5), (30, -ap + 1, si + 9)], [3.5, 4.5, 3.5])
        painter.paint("smooth_muscle", vesicle - 0.8)
        painter.paint("seminal_vesicle", vesicle, texture.glandular)
        bundle = tube(right, [(0.72 * rl, -0.85 * ap, -si), (0.78 * rl, -0.85 * ap, si)], [1.8, 2.2])
        painter.paint("blood", bundle, 0.9)
        plexus = ellipsoid(points, (0, ap + 4.0, -0.45 * si), (13, 4.5, 9))
        painter.paint("blood", plexus, texture.glandular)
        gland = ellipsoid(points, (0, 0, 0), (rl, ap, si))
        painter.paint("fascia", gland)
        painter.paint("peripheral_zone", gland + 1.0, texture.glandular)
        zone = smooth_union(
            ellipsoid(right, (0.3 * rl, 0.28 * ap, 0.15 * si), (0.42 * rl, 0.60 * ap, 0.70 * si)),
            ellipsoid(right, (0.0, 0.62 * ap, 0.1 * si), (0.45 * rl, 0.32 * ap, 0.6 * si)),
            2,
        )
        painter.paint("fascia", zone)
        painter.paint("transition_zone", zone + 0.9, texture.nodular)
        painter.paint(
            "urine", tube(points, [(0, 0.2 * ap, -1.2 * si), (0, 0.3 * ap, 0.9 * si)], [1.2, 1.2]), opacity=0.5
        )


def rectum_center(height: float, forward: float) -> tuple[float, float]:
    """(y, z) of the rectum's middle at a height; gas rises ``forward`` (toward anterior when the patient is supine)."""
    middle = np.interp(height, [-54, -24, -8, 20, 50, 90, 130], [-52, -29, -33, -37, -48, -60, -50])
    return (float(middle) + forward, height)
