"""What the training draws: parts of clips that keep their captions true, and times."""

import argparse
import tempfile
import unittest
import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from train.make_latents import ANY, BEGINNING, WHOLE, drawn_scene, object_cells, true_of
from train.plot import chart, series, ticks
from train.shards import Shards
from train.soup import mix
from train.train_decoder import log_error
from train.train_denoiser import random_times
from world.render import Event, random_scene, render


def write_shard(folder: Path, name: str, parts: list[int], frames: int) -> None:
    """Clips of one cell whose latents say which clip and which frame they are; two captions each, of one and of two tokens."""
    count = len(parts)
    latent = np.zeros((count, 2, frames, 1, 1), np.float16)
    latent[:, 0] += np.arange(count)[:, None, None, None]
    latent[:, 1] += np.arange(frames)[:, None, None]
    length = np.array([1, 2] * count)
    np.savez(folder / name, latent=latent, object=np.zeros((count, frames, 1, 1), bool), part=np.array(parts, np.int8),
             text=np.repeat(np.arange(2 * count), length)[:, None].astype(np.float16), length=length)


class LossTest(unittest.TestCase):
    def test_the_log_error_is_psnr(self):
        torch.manual_seed(1)
        frames = torch.rand(3, 3, 4, 8, 8) * 2 - 1
        output = frames + 0.1 * torch.rand(3, 1, 1, 1, 1) * torch.randn_like(frames)
        psnr = (10 * torch.log10(4 / (output - frames).square().mean((1, 2, 3, 4)))).mean().item()
        self.assertAlmostEqual(psnr, 10 / np.log(10) * (np.log(4) - log_error(output, frames).item()), delta=0.1)


class ShardsTest(unittest.TestCase):
    def draw(self, parts, frames, wanted, all_named=False):
        with tempfile.TemporaryDirectory() as folder:
            write_shard(Path(folder), "a.npz", parts, frames)
            batch = Shards(Path(folder), 1).batch(200, wanted, all_named)
            return None if batch is None else (batch.latents, batch.text[..., 0], batch.mask)

    def test_parts_keep_their_captions_true(self):
        latents, text, mask = self.draw([WHOLE, BEGINNING, ANY], 6, 2)
        clips, starts = latents[:, 0, 0, 0, 0], latents[:, 1, 0, 0, 0]
        self.assertEqual({1, 2}, set(clips.int().tolist()))
        self.assertEqual({0}, set(starts[clips == 1].int().tolist()))
        self.assertEqual({0, 1, 2, 3, 4}, set(starts[clips == 2].int().tolist()))
        # Every token says which caption it is of.
        self.assertEqual((2 * clips[:, None] + mask.sum(1, keepdim=True) - 1).expand(text.shape)[mask].tolist(), text[mask].tolist())

    def test_whole_clips_are_drawn_at_their_own_length(self):
        latents, _, _ = self.draw([WHOLE, BEGINNING, ANY], 6, 6)
        self.assertEqual({0, 1, 2}, set(latents[:, 0, 0, 0, 0].int().tolist()))
        self.assertEqual({0}, set(latents[:, 1, 0, 0, 0].int().tolist()))

    def test_the_first_caption_names_everything(self):
        _, text, mask = self.draw([ANY] * 3, 4, 2, all_named=True)
        self.assertEqual({1}, set(mask.sum(1).tolist()))
        self.assertEqual({0, 2, 4}, set(text.flatten().tolist()))

    def test_dropped_texts_are_the_empty_one(self):
        with tempfile.TemporaryDirectory() as folder:
            write_shard(Path(folder), "a.npz", [ANY], 4)
            data = Shards(Path(folder), 1, np.full((2, 1), -1.0, np.float32), 0.25)
            write_shard(Path(folder), "b.npz", [ANY] * 2, 6)
            data.refresh()
            batch = data.batch(400, 4, all_named=True)
        empty = batch.text[:, 0, 0] == -1
        self.assertEqual({2}, set(batch.mask[empty].sum(1).tolist()))
        self.assertEqual({1}, set(batch.mask[~empty].sum(1).tolist()))
        self.assertEqual({0, 2}, set(batch.text[~empty, 0, 0].tolist()))
        self.assertAlmostEqual(0.25, empty.float().mean().item(), delta=0.08)

    def test_no_batch_while_no_clip_is_long_enough(self):
        self.assertIsNone(self.draw([ANY], 4, 5))

    def test_only_scenes_with_one_of_the_motions_are_drawn(self):
        wanted = {"spinning", "bouncing"}
        asked = argparse.Namespace(seconds=2.0, two=0.5, event=0.0, motions=wanted)
        seen = [{t.motion for t in drawn_scene(np.random.default_rng(i), asked).things} for i in range(40)]
        self.assertTrue(all(motions & wanted for motions in seen), seen)
        self.assertEqual(wanted, set.union(*seen) & wanted)
        anything = argparse.Namespace(seconds=2.0, two=0.5, event=0.0, motions=())
        self.assertEqual(random_scene(np.random.default_rng(3), 2.0, 0.5, 0.0), drawn_scene(np.random.default_rng(3), anything))

    def test_true_of(self):
        scene = random_scene(np.random.default_rng(1), 8.0, two=0)
        thing = scene.things[0]
        with_motion = lambda motion: replace(scene, things=(replace(thing, motion=motion),))
        self.assertEqual(ANY, true_of(with_motion("left")))
        self.assertEqual(BEGINNING, true_of(with_motion("growing")))
        self.assertEqual(WHOLE, true_of(replace(with_motion("left"), event=Event(0.5, "background", 0, "navy"))))


class CellsTest(unittest.TestCase):
    def test_cells_beside_an_object_are_those_that_differ_from_the_background(self):
        scene = random_scene(np.random.default_rng(4), 1.0, two=0)
        scene = replace(scene, background="black", things=(replace(scene.things[0], motion="still", x=0.1, y=0.1, radius=0.06, colour="white"),))
        cells = object_cells(scene, render(scene), (8, 16, 16))
        self.assertEqual((2, 8, 8), cells.shape)
        self.assertTrue(cells[:, :3, :3].all())
        self.assertFalse(cells[:, 3:].any() or cells[:, :, 3:].any())


class TimesTest(unittest.TestCase):
    def test_times_of_longer_clips_lie_nearer_to_the_noise(self):
        torch.manual_seed(1)
        medians = [random_times(20000, frames).median().item() for frames in (1, 4, 34, 136)]
        self.assertEqual(sorted(medians, reverse=True), medians)
        self.assertLess(medians[-1], 0.06)
        self.assertGreater(medians[0], 0.3)


class SoupTest(unittest.TestCase):
    def test_shares_count_by_their_sum(self):
        checkpoints = [dict(average={"w": torch.tensor([value, 0.0])}, config={"depth": 1}, step=step) for value, step in ((1.0, 7), (5.0, 3))]
        mixed = mix(checkpoints, [3.0, 1.0])
        self.assertEqual(([2.0, 0.0], {"depth": 1}, 7), (mixed["average"]["w"].tolist(), mixed["config"], mixed["step"]))


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
