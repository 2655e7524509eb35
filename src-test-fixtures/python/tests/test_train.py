"""What the training draws: parts of clips that keep their captions true, and times."""

import tempfile
import unittest
import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from train.layout import FIELDS, LayoutProbe, facts, layout
from train.make_latents import ANY, BEGINNING, WHOLE, true_of
from train.plot import chart, series, ticks
from train.train_denoiser import Shards, random_times
from world.render import SHAPES, Event, random_scene


def write_shard(folder: Path, name: str, parts: list[int], frames: int) -> None:
    """Clips of one cell whose latents say which clip and which frame they are; two captions each, of one and of two tokens."""
    count = len(parts)
    latent = np.zeros((count, 2, frames, 1, 1), np.float16)
    latent[:, 0] += np.arange(count)[:, None, None, None]
    latent[:, 1] += np.arange(frames)[:, None, None]
    length = np.array([1, 2] * count)
    things = np.zeros((count, 2, frames, len(FIELDS)), np.float16)
    np.savez(folder / name, latent=latent, object=np.zeros((count, frames, 1, 1), bool), part=np.array(parts, np.int8),
             things=things, background=np.zeros((count, frames), np.int8),
             text=np.repeat(np.arange(2 * count), length)[:, None].astype(np.float16), length=length)


class ShardsTest(unittest.TestCase):
    def draw(self, parts, frames, wanted, all_named=False):
        with tempfile.TemporaryDirectory() as folder:
            write_shard(Path(folder), "a.npz", parts, frames)
            batch = Shards(Path(folder), 1).batch(200, wanted, all_named)
            return None if batch is None else (batch.latents, batch.weights, batch.texts)

    def test_parts_keep_their_captions_true(self):
        latents, _, texts = self.draw([WHOLE, BEGINNING, ANY], 6, 2)
        clips, starts = latents[:, 0, 0, 0, 0], latents[:, 1, 0, 0, 0]
        self.assertEqual({1, 2}, set(clips.int().tolist()))
        self.assertEqual({0}, set(starts[clips == 1].int().tolist()))
        self.assertEqual({0, 1, 2, 3, 4}, set(starts[clips == 2].int().tolist()))
        self.assertEqual(clips.int().tolist(), [int(t[0, 0]) // 2 for t in texts])

    def test_whole_clips_are_drawn_at_their_own_length(self):
        latents, _, _ = self.draw([WHOLE, BEGINNING, ANY], 6, 6)
        self.assertEqual({0, 1, 2}, set(latents[:, 0, 0, 0, 0].int().tolist()))
        self.assertEqual({0}, set(latents[:, 1, 0, 0, 0].int().tolist()))

    def test_the_first_caption_names_everything(self):
        _, _, texts = self.draw([ANY] * 3, 4, 2, all_named=True)
        self.assertEqual({1}, {len(t) for t in texts})

    def test_no_batch_while_no_clip_is_long_enough(self):
        self.assertIsNone(self.draw([ANY], 4, 5))

    def test_true_of(self):
        scene = random_scene(np.random.default_rng(1), 8.0, two=0)
        thing = scene.things[0]
        with_motion = lambda motion: replace(scene, things=(replace(thing, motion=motion),))
        self.assertEqual(ANY, true_of(with_motion("left")))
        self.assertEqual(BEGINNING, true_of(with_motion("growing")))
        self.assertEqual(WHOLE, true_of(replace(with_motion("left"), event=Event(0.5, "background", 0, "navy"))))


class TimesTest(unittest.TestCase):
    def test_times_of_longer_clips_lie_nearer_to_the_noise(self):
        torch.manual_seed(1)
        medians = [random_times(20000, frames).median().item() for frames in (1, 4, 34, 136)]
        self.assertEqual(sorted(medians, reverse=True), medians)
        self.assertLess(medians[-1], 0.12)
        self.assertGreater(medians[0], 0.35)


class LayoutTest(unittest.TestCase):
    def scene(self, seconds=4.0, event=None, **fields):
        scene = random_scene(np.random.default_rng(1), seconds, two=0)
        return replace(scene, things=(replace(scene.things[0], **fields),), event=event)

    def test_a_drift_wraps_around(self):
        things, _ = layout(self.scene(motion="right", speed="quickly", shape="star", x=0.9, y=0.5), 64, 8)
        self.assertEqual((2, 8, len(FIELDS)), things.shape)
        x = 0.9 + 0.35 * (np.arange(8) * 8 + 4) / 16
        np.testing.assert_allclose(things[0, :, 1], x % 1, atol=2e-3)
        np.testing.assert_allclose(things[0, :, 3], np.full(8, 0.35 / 2), atol=2e-3)
        np.testing.assert_allclose(things[0, :, 4], 0, atol=2e-3)
        self.assertFalse(things[1].any())

    def test_an_event_changes_what_is_there(self):
        things, background = layout(self.scene(9.0, Event(0.5, "shape", 0, "ring"), shape="star", motion="left"), 144, 8)
        self.assertEqual([SHAPES.index("star")] * 10 + [SHAPES.index("ring")] * 8, things[0, :, 8].tolist())
        self.assertEqual(1, len(set(background.tolist())))
        _, background = layout(self.scene(9.0, Event(0.5, "background", 0, "navy"), motion="left"), 144, 8)
        self.assertEqual(2, len(set(background.tolist())))

    def test_tokens_at_the_object_know_it_and_the_front_one_hides_the_other(self):
        things = np.zeros((1, 2, 1, len(FIELDS)), np.float32)
        things[0, 0, 0, :9] = [1, 0.95, 0.125, 0, 0, 0.1, 1, 0, 3]
        things[0, 1, 0, :9] = [1, 0.6, 0.125, 0, 0, 0.3, 1, 0, 5]
        shown, fields = facts(torch.from_numpy(things), (1, 4, 4))
        self.assertEqual([True, True, True, True], shown[0, 0, 0].tolist())
        self.assertEqual([3, 5, 5, 3], fields[0, 0, 0, :, 8].int().tolist())
        torch.testing.assert_close(fields[0, 0, 0, :, 1], torch.tensor([-0.175, 0.225, -0.025, 0.075]))
        self.assertEqual([False, True, True, True], (shown[0, 0, 1] & (fields[0, 0, 1, :, 8] == 5)).tolist())
        self.assertFalse(shown[0, 0, 2].any())

    def test_the_probe_learns_what_tokens_hold(self):
        torch.manual_seed(1)
        things, background = layout(self.scene(motion="left", shape="cross"), 64, 8)
        things, background = torch.from_numpy(things)[None].float(), torch.from_numpy(background)[None]
        hidden, probe = torch.randn(1, 8 * 16, 32), LayoutProbe(32)
        stepper = torch.optim.AdamW(probe.parameters(), 1e-2)
        losses = []
        for _ in range(60):
            losses.append(probe.loss(hidden, (8, 4, 4), things, background))
            stepper.zero_grad()
            losses[-1].backward()
            stepper.step()
        self.assertLess(losses[-1].item(), 0.3 * losses[0].item())

    def test_a_film_without_objects_in_view_has_a_finite_loss(self):
        loss = LayoutProbe(8).loss(torch.randn(1, 16, 8), (1, 4, 4), torch.zeros(1, 2, 1, len(FIELDS)), torch.zeros(1, 1))
        self.assertTrue(torch.isfinite(loss))


class PlotTest(unittest.TestCase):
    def test_a_chart_is_xml_and_has_every_series(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "log.csv"
            path.write_text("minutes,loss\n1,2.0\n2,\n3,1.0\n4,0.5\n")
            name, at, values = series(f"{path}:loss:a < b", "minutes", 2)
        self.assertEqual(("a < b", [2.0, 3.5], [1.5, 0.75]), (name, at.tolist(), values.tolist()))
        root = xml.etree.ElementTree.fromstring(chart([(name, at, values), ("c", at, values + 1)], "t & t", "x", "y"))
        self.assertEqual(2, len(root.findall("{*}polyline")))

    def test_ticks_are_round_and_inside(self):
        np.testing.assert_allclose(ticks(0.18, 0.31), [0.2, 0.25, 0.3])
        np.testing.assert_allclose(ticks(0, 85), [0, 20, 40, 60, 80])


if __name__ == "__main__":
    unittest.main()
