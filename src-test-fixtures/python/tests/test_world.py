"""The shapes world: `python -m unittest tests.test_world`."""

import unittest

import numpy as np

from world.captions import caption
from world.render import Event, Scene, Thing, held_out, motions_of, random_scene, render, COLOURS, SHAPES


def thing(**changes):
    values = dict(shape="circle", colour="red", size="large", motion="right", speed="plain", radius=0.2, x=0.5, y=0.5, angle=0.0, heading=0.0)
    return Thing(**(values | changes))


class RenderTest(unittest.TestCase):
    def test_same_seed_same_film(self):
        films = [render(random_scene(np.random.default_rng(5), 1.0, two=1, event=1), 64) for _ in range(2)]
        self.assertTrue((films[0] == films[1]).all())

    def test_drift_has_the_stated_speed_and_wraps(self):
        film = render(Scene(2.0, "black", (thing(x=0.9, speed="quickly"),)), 128)
        first, last = film[0, 64, :, 0] > 120, film[16, 64, :, 0] > 120
        self.assertTrue((np.roll(first, round(0.35 * 128)) == last).mean() > 0.98)

    def test_an_event_changes_the_colour_at_its_time(self):
        film = render(Scene(6.0, "black", (thing(motion="still"),), Event(0.5, "colour", 0, "blue")), 64)
        self.assertEqual(tuple(film[0, 32, 32]), COLOURS["red"])
        self.assertEqual(tuple(film[-1, 32, 32]), COLOURS["blue"])
        self.assertEqual(tuple(film[47, 32, 32]), COLOURS["red"])

    def test_a_step_draws_the_same_frames_fewer_of_them(self):
        scene = random_scene(np.random.default_rng(6), 9.0, two=1, event=1)
        self.assertTrue((render(scene, 64, step=4) == render(scene, 64)[::4]).all())

    def test_about_a_tenth_of_the_triples_is_held_out(self):
        triples = [(s, c, m) for s in SHAPES for c in COLOURS for m in motions_of(s)]
        self.assertTrue(0.07 < np.mean([held_out(*t) for t in triples]) < 0.13)


class CaptionTest(unittest.TestCase):
    def test_held_out_synonyms_never_appear_in_training(self):
        rng = np.random.default_rng(0)
        for _ in range(300):
            words = caption(random_scene(rng, 4.0, 0.3, 0.3), rng).text.lower().replace(",", " ").replace(".", " ").split()
            for word in ("ruby", "orb", "swiftly", "chessboard", "twirls", "floats", "floating"):
                self.assertNotIn(word, words)

    def test_what_is_named_is_in_the_text(self):
        found = caption(Scene(1.0, "black", (thing(),)), np.random.default_rng(1), keep=1.0)
        self.assertLessEqual({("colour", 0), ("shape", 0), ("motion", 0), ("background", -1)}, found.names)


if __name__ == "__main__":
    unittest.main()
