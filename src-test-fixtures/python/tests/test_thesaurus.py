"""The shipped thesaurus: what training shows stays what it is, and what it says in other words is what they mean."""

import unittest
from pathlib import Path

import numpy as np

from train.thesaurus import Thesaurus, phrases
from world.captions import caption
from world.render import random_scene

SHIPPED = Path(__file__).parents[3] / "lingen-nano/src/main/resources/io/lingen/nano/thesaurus.tsv"


class ThesaurusTest(unittest.TestCase):
    def setUp(self):
        self.thesaurus = Thesaurus.read(SHIPPED)

    def test_trained_captions_stay(self):
        rng = np.random.default_rng(11)
        for _ in range(2000):
            text = caption(random_scene(rng, 17.0, event=0.3), rng).text
            self.assertEqual(self.thesaurus.rewrite(text), text)

    def test_twice_is_once(self):
        rng = np.random.default_rng(12)
        for _ in range(300):
            once = self.thesaurus.rewrite(caption(random_scene(rng, 17.0, event=0.3), rng, held=True).text)
            self.assertEqual(self.thesaurus.rewrite(once), once)

    def test_held_out_words_are_not_in_it_as_shown(self):
        held = {p.text for p in phrases() if p.held}
        self.assertEqual(held & self.thesaurus.shown, set())

    def test_the_longest_phrase_decides(self):
        small = Thesaurus({"orbits clockwise", "rotates", "blue", "circle"},
                          {"revolves": ["rotates", "orbits"], "sapphire": ["blue"], "orb": ["circle"]})
        for prompt, expected in (("It revolves clockwise.", "It orbits clockwise."), ("It revolves, clockwise", "It rotates, clockwise"),
                                 ("A sapphire orb revolves", "A blue circle rotates"), ("an orb", "a circle"), ("Orb!", "Circle!"), ("an urn", "an urn"), ("", "")):
            self.assertEqual(small.rewrite(prompt), expected)


if __name__ == "__main__":
    unittest.main()
