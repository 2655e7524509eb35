"""What the evaluator sees: `python -m unittest tests.test_evaluate`."""

import unittest

import numpy as np

from tests.test_world import thing
from world.blobs import blob_clip
from world.captions import caption
from world.change import changes_between, time_of
from world.decidable import decidable, visible_outline
from world.evaluate import Expected, Observation, flicker, judge
from world.look import look
from world.render import BACKGROUNDS, COLOURS, FPS, MOTIONS, SHAPES, SPEEDS, Event, Scene, random_scene, render


def seen_of(scene):
    return look(render(scene))


def named(scene):
    return Expected.of(scene, caption(scene, np.random.default_rng(0), keep=1.0))


class LookTest(unittest.TestCase):
    def test_every_shape_small_and_large(self):
        for shape in SHAPES:
            for size, radius in (("small", 0.10), ("large", 0.23)):
                view = seen_of(Scene(1.0, "gray", (thing(shape=shape, radius=radius, motion="still", angle=0.2),)))
                self.assertEqual([(shape, size)], [(s.shape, s.size) for s in view.things])

    def test_every_colour_on_every_background(self):
        for background in BACKGROUNDS:
            for colour in COLOURS:
                view = seen_of(Scene(0.5, background, (thing(colour=colour, motion="still"),)))
                self.assertEqual((background, [colour]), (view.background, [s.colour for s in view.things]))

    def test_every_motion_at_every_speed_in_two_seconds(self):
        for motion in MOTIONS:
            for speed in SPEEDS if motion != "still" else ("plain",):
                view = seen_of(Scene(2.0, "navy", (thing(shape="star", motion=motion, speed=speed, radius=0.13, x=0.3, y=0.6, heading=1.0),)))
                self.assertEqual([(motion, speed)], [(s.motion, s.speed) for s in view.things])

    def test_a_drift_across_the_border_stays_a_drift(self):
        view = seen_of(Scene(4.0, "black", (thing(shape="cross", motion="left", speed="quickly", x=0.1),)))
        self.assertEqual([("cross", "left", "quickly")], [(s.shape, s.motion, s.speed) for s in view.things])

    def test_an_object_that_is_always_partly_hidden(self):
        front = thing(motion="still", radius=0.12, x=0.45, y=0.5)
        for shape in ("square", "star", "triangle"):
            rear = thing(shape=shape, colour="white", motion="still", radius=0.2, x=0.58, y=0.5)
            view = seen_of(Scene(1.0, "black", (front, rear)))
            self.assertEqual({("red", "circle", "still"), ("white", shape, "still")}, {(s.colour, s.shape, s.motion) for s in view.things})

    def test_pieces_are_counted_but_not_those_that_another_object_cuts(self):
        bar = thing(shape="cross", radius=0.11, motion="still")
        self.assertEqual(2, seen_of(Scene(0.5, "black", (bar, thing(colour="blue", shape="circle", motion="still", radius=0.23)))).count)
        twice = np.minimum(render(Scene(0.5, "black", (thing(x=0.25, motion="still"),))).astype(int)
                           + render(Scene(0.5, "black", (thing(x=0.75, motion="still"),))), 255).astype(np.uint8)
        self.assertEqual(2, look(twice).count)

    def test_blobs_have_no_shape(self):
        clips = [blob_clip(np.random.default_rng([5, i]), frames=8) for i in range(8)]
        self.assertEqual(["none"] * 8, [look(clip).things[0].shape for clip in clips])

    def test_a_leaping_object_has_no_motion(self):
        rng = np.random.default_rng(3)
        frames = np.concatenate([render(Scene(1.0, "black", (thing(x=x, y=y, motion="still", radius=0.12),)), frames=1)
                                 for x, y in rng.uniform(0.1, 0.9, (32, 2))])
        self.assertEqual(["none"], [s.motion for s in look(frames).things])

    def test_nothing_is_seen_in_noise_of_low_contrast(self):
        noise = np.random.default_rng(4).integers(60, 80, (16, 128, 128, 3)).astype(np.uint8)
        self.assertEqual(("gray", 0), (look(noise).background, look(noise).count))


class JudgeTest(unittest.TestCase):
    def test_random_true_clips_are_right_and_their_neighbours_captions_wrong(self):
        rng = np.random.default_rng(11)
        scenes = [random_scene(rng, 2.0, two=0.5) for _ in range(16)]
        observations = [Observation(render(scene)) for scene in scenes]
        right = [o.judge(named(s)).all for o, s in zip(observations, scenes)]
        wrong = [o.judge(named(s)).all for o, s in zip(observations, scenes[1:] + scenes[:1])]
        self.assertEqual((16, 0), (sum(right), sum(wrong)))

    def test_one_wrong_word_makes_a_clip_wrong(self):
        scene = Scene(2.0, "navy", (thing(speed="slowly"), thing(shape="star", colour="white", motion="up", y=0.9, x=0.2, speed="quickly")))
        observation, good = Observation(render(scene)), named(scene)
        self.assertTrue(observation.judge(good).all)
        for name, value in (("colour", "orange"), ("shape", "square"), ("size", "small"), ("motion", "left"), ("speed", "quickly")):
            bad = Expected(good.background, ({**good.things[0], name: value}, good.things[1]))
            self.assertEqual([f"{name}.0"], [n for n, ok in observation.judge(bad).right.items() if not ok])
        self.assertFalse(observation.judge(Expected("black", good.things)).right["background"])
        self.assertFalse(observation.judge(Expected("navy", good.things[:1])).right["count"])

    def test_sizes_and_speeds_are_named_but_not_listed(self):
        scene = Scene(2.0, "navy", (thing(speed="slowly"),))
        verdict = judge(render(scene), Expected("navy", ({"colour": "red", "speed": "quickly"},)))
        self.assertEqual((False, True), (verdict.all, verdict.all_listed))

    def test_what_is_not_named_is_not_judged(self):
        verdict = judge(render(Scene(1.0, "black", (thing(),))), Expected(None, ({"shape": "circle"},)))
        self.assertEqual({"count": True, "shape.0": True}, verdict.right)

    def test_fewer_frames_a_second_are_the_same_clip(self):
        scene = Scene(4.0, "forest", (thing(motion="clockwise"),))
        self.assertTrue(judge(render(scene, step=2), named(scene), FPS // 2).all)


class EventTest(unittest.TestCase):
    CASES = ((Event(1 / 3, "colour", 0, "yellow"), "red"), (Event(1 / 2, "shape", 0, "star"), "circle"),
             (Event(2 / 3, "direction", 0, "up"), "right"), (Event(1 / 2, "background", 0, "night sky"), "gray"))

    def test_each_kind_is_seen_with_its_time(self):
        for event, before in self.CASES:
            scene = Scene(12.0, "gray", (thing(radius=0.12, size="small", y=0.3),
                                         thing(shape="square", colour="blue", motion="still", x=0.2, y=0.8)), event)
            clip = render(scene)
            observation = Observation(clip)
            self.assertEqual([(event.kind, before, event.value)], [(c.kind, c.before, c.after) for c in observation.changes])
            self.assertAlmostEqual(event.fraction, time_of(clip, observation.changes[0], "gray"))
            verdict = observation.judge(named(scene))
            self.assertTrue(verdict.all and verdict.identity, (event, verdict.right))

    def test_an_event_that_does_not_happen_is_missed_and_one_that_nobody_asked_for_breaks_the_identity(self):
        steady, event = Scene(12.0, "gray", (thing(),)), Event(1 / 2, "colour", 0, "yellow")
        turning = Scene(12.0, "gray", (thing(),), event)
        verdict = judge(render(steady), named(turning))
        self.assertEqual((False, True), (verdict.right["event"], verdict.identity))
        verdict = judge(render(turning), named(steady))
        self.assertFalse(verdict.identity)
        other = Scene(12.0, "gray", (thing(),), Event(1 / 2, "colour", 0, "white"))
        verdict = judge(render(other), named(turning))
        self.assertEqual((False, False), (verdict.right["event"], verdict.identity))

    def test_the_event_must_happen_to_the_named_object(self):
        pair = (thing(y=0.3, radius=0.12), thing(shape="square", colour="blue", motion="still", y=0.75, radius=0.12))
        drawn, asked = (Scene(12.0, "black", pair, Event(1 / 2, "colour", index, "yellow")) for index in (0, 1))
        self.assertFalse(judge(render(drawn), named(asked)).right["event"])

    def test_a_lost_object_is_a_change_of_count(self):
        first = seen_of(Scene(1.0, "black", (thing(motion="still"),)))
        last = seen_of(Scene(1.0, "black", ()))
        self.assertEqual(["count"], [c.kind for c in changes_between(first, last)])


class DecidableTest(unittest.TestCase):
    def test_a_disc_behind_a_larger_ring_is_not(self):
        rear = thing(shape="circle", colour="blue", motion="still", radius=0.13)
        self.assertFalse(decidable(Scene(2.0, "black", (thing(shape="ring", motion="still", radius=0.2), rear))))
        self.assertTrue(decidable(Scene(2.0, "black", (thing(shape="ring", motion="still", radius=0.2, x=0.1), rear))))

    def test_half_of_a_square_is_half_of_its_outline(self):
        scene = Scene(0.5, "black", (thing(shape="square", motion="still", radius=0.24, x=0.29), thing(shape="square", colour="blue", motion="still", radius=0.1)))
        self.assertAlmostEqual(0.5, visible_outline(scene)[0], delta=0.03)


class FlickerTest(unittest.TestCase):
    def test_flicker(self):
        self.assertEqual(1.0, flicker(np.full((5, 8, 8, 3), 7, np.uint8)))
        self.assertAlmostEqual(1 - 51 / 255, flicker(np.stack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 51, np.uint8)])))


if __name__ == "__main__":
    unittest.main()
