"""Captions of scenes: a grammar with many phrasings.

`caption` names some of a scene's attributes and says which ones; what it leaves out may be anything. Of each word one
synonym is never used in training: `held=True` uses only those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world.render import DRIFTS, Scene, Thing

# In each list the first phrase is the plain one, and the last one is held out.
COLOUR_WORDS = {
    "red": ("red", "crimson", "scarlet", "cherry red", "bright red", "blood red", "vermilion", "ruby"),
    "orange": ("orange", "tangerine", "pumpkin orange", "bright orange", "apricot", "carrot orange", "amber"),
    "yellow": ("yellow", "golden", "lemon yellow", "bright yellow", "sunflower yellow", "banana yellow", "canary yellow"),
    "green": ("green", "emerald", "grass green", "bright green", "leaf green", "mint green", "jade"),
    "cyan": ("cyan", "turquoise", "aqua", "aquamarine", "bright cyan", "blue-green", "teal"),
    "blue": ("blue", "cobalt blue", "royal blue", "ultramarine", "bright blue", "cobalt", "sapphire"),
    "purple": ("purple", "violet", "lavender", "plum", "amethyst", "bright purple", "lilac"),
    "white": ("white", "snow-white", "pure white", "chalk white", "pearl white", "milky white", "ivory"),
}
SHAPE_WORDS = {
    "circle": ("circle", "disc", "ball", "disk", "round dot", "sphere", "orb"),
    "square": ("square", "box", "four-sided shape", "tile", "cube", "quadrilateral", "block"),
    "triangle": ("triangle", "three-sided shape", "three-cornered shape", "trilateral", "triangular shape", "wedge"),
    "star": ("star", "five-pointed star", "star shape", "five-armed star", "starburst", "pentagram"),
    "ring": ("ring", "hoop", "annulus", "donut", "hollow circle", "round band", "loop"),
    "cross": ("cross", "plus sign", "cross shape", "cross sign", "crossed bars", "plus"),
}
SIZE_WORDS = {"small": ("small", "little", "tiny", "petite", "compact", "mini"), "large": ("large", "big", "giant", "massive", "enormous", "huge")}
SPEED_WORDS = {"slowly": ("slowly", "gently", "unhurriedly", "at a slow pace", "sluggishly", "leisurely"),
               "quickly": ("quickly", "fast", "rapidly", "speedily", "briskly", "at high speed", "swiftly")}
BACKGROUND_WORDS = {
    "black": ("a black background", "a plain black backdrop", "a pure black background", "complete darkness", "a black void", "pitch darkness"),
    "gray": ("a gray background", "a plain gray backdrop", "a grey background", "an ash gray backdrop", "a stone gray background", "a slate backdrop"),
    "navy": ("a navy background", "a dark blue background", "a navy blue backdrop", "a deep blue backdrop", "a dark navy background",
             "a midnight blue backdrop"),
    "forest": ("a forest green background", "a dark green background", "a dark green backdrop", "a deep green background", "a woodland green backdrop",
               "a pine green backdrop"),
    "checkerboard": ("a checkerboard", "a checkerboard background", "a chequered background", "a checked board", "a checkerboard pattern", "a chessboard"),
    "night sky": ("a night sky", "a starry night sky", "the night sky", "a starlit sky", "a dark sky with stars", "a sky full of stars"),
}
# (third person, participle)
MOTION_WORDS = {
    "clockwise": (("circles clockwise", "circling clockwise"), ("moves clockwise around the centre", "moving clockwise around the centre"),
                  ("orbits clockwise", "orbiting clockwise"), ("goes round the centre clockwise", "going round the centre clockwise"),
                  ("travels in a clockwise circle", "travelling in a clockwise circle"), ("revolves clockwise", "revolving clockwise")),
    "counterclockwise": (("circles counter-clockwise", "circling counter-clockwise"),
                         ("moves counterclockwise around the centre", "moving counterclockwise around the centre"),
                         ("orbits counter-clockwise", "orbiting counter-clockwise"),
                         ("goes round the centre counterclockwise", "going round the centre counterclockwise"),
                         ("travels in a circle against the clock", "travelling in a circle against the clock"),
                         ("revolves anticlockwise", "revolving anticlockwise")),
    "bouncing": (("bounces off the borders", "bouncing off the borders"), ("bounces around", "bouncing around"),
                 ("bounces off the walls", "bouncing off the walls"), ("rebounds off the sides", "rebounding off the sides"),
                 ("bounces from wall to wall", "bouncing from wall to wall"), ("ricochets off the edges", "ricocheting off the edges")),
    "still": (("stays still", "staying still"), ("does not move", "not moving"), ("stands still", "standing still"),
              ("stays where it is", "staying where it is"), ("remains motionless", "remaining motionless"), ("rests in place", "resting in place")),
    "growing": (("grows", "growing"), ("becomes larger", "becoming larger"), ("gets bigger", "getting bigger"), ("swells", "swelling"),
                ("increases in size", "increasing in size"), ("expands", "expanding")),
    "shrinking": (("shrinks", "shrinking"), ("becomes smaller", "becoming smaller"), ("gets smaller", "getting smaller"), ("dwindles", "dwindling"),
                  ("decreases in size", "decreasing in size"), ("contracts", "contracting")),
    "spinning": (("spins in place", "spinning in place"), ("rotates on the spot", "rotating on the spot"), ("spins", "spinning"),
                 ("turns around itself", "turning around itself"), ("whirls on the spot", "whirling on the spot"), ("twirls", "twirling")),
}
DRIFT_VERBS = (("moves", "moving"), ("drifts", "drifting"), ("slides", "sliding"), ("glides", "gliding"), ("travels", "travelling"), ("flies", "flying"),
               ("floats", "floating"))
DIRECTION_WORDS = {"right": ("to the right", "right", "rightwards", "towards the right"), "left": ("to the left", "left", "leftwards", "towards the left"),
                   "up": ("upwards", "up", "towards the top"), "down": ("downwards", "down", "towards the bottom")}
EVENT_OPENINGS = ("then", "later", "after a while", "halfway through")
LEAD_INS = ("", "", "", "", "", "a video of ", "a short film of ", "an animation of ")


@dataclass(frozen=True)
class Caption:
    """The text, and what it names: ("colour", 0), ("shape", 1), ("background", -1), ("event", -1), ..."""

    text: str
    names: frozenset


class _Words:
    """Draws words, and notes which attributes are named."""

    def __init__(self, rng: np.random.Generator, held: bool, keep: float):
        self.rng, self.held, self.keep = rng, held, keep
        self.names: set = set()

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def synonym(self, options):
        if self.held:
            return options[-1]
        return options[0] if len(options) < 3 or self.chance(0.4) else self.pick(options[1:-1])

    def names_it(self, name: str, index: int, p: float) -> bool:
        said = self.chance(max(p, self.keep))
        if said:
            self.names.add((name, index))
        return said

    def noun(self, thing: Thing, index: int, article: str = "a") -> str:
        words = []
        if self.names_it("size", index, 0.5) and thing.motion not in ("growing", "shrinking"):
            words.append(self.synonym(SIZE_WORDS[thing.size]))
        else:
            self.names.discard(("size", index))
        if self.names_it("colour", index, 0.95):
            words.append(self.synonym(COLOUR_WORDS[thing.colour]))
        words.append(self.synonym(SHAPE_WORDS[thing.shape]) if self.names_it("shape", index, 0.95) else self.pick(("shape", "object")))
        text = " ".join(words)
        if article == "a" and text[0] in "aeio":
            article = "an"
        return f"{article} {text}" if article else text

    def verb(self, thing: Thing, index: int, form: int) -> str:
        """The motion, or '' if it is left out; form 0 'drifts left slowly', 1 'drifting left slowly'."""
        if not self.names_it("motion", index, 0.9):
            return ""
        if thing.motion in DRIFTS:
            verb = DRIFT_VERBS[-1] if self.held else self.pick(DRIFT_VERBS[:-1])
            phrase = f"{verb[form]} {self.pick(DIRECTION_WORDS[thing.motion])}"
        else:
            phrase = self.synonym(MOTION_WORDS[thing.motion])[form]
        if thing.speed in SPEED_WORDS and thing.motion != "still" and self.names_it("speed", index, 0.6):
            speed = self.synonym(SPEED_WORDS[thing.speed])
            phrase = f"{speed} {phrase}" if speed.endswith("ly") and self.chance(0.4) and not phrase.startswith("not") else f"{phrase} {speed}"
        return phrase

    def event(self, scene: Scene) -> str:
        event = scene.event
        if event is None:
            return ""
        self.names.add(("event", -1))
        opening = self.pick(EVENT_OPENINGS)
        if event.kind == "background":
            place = self.synonym(BACKGROUND_WORDS[event.value])
            return f"{opening} the background turns into {place}"
        thing = scene.things[event.index]
        if len(scene.things) == 1:
            who = "it"
        else:
            who = f"the {self.synonym(COLOUR_WORDS[thing.colour])} one"
            self.names.add(("colour", event.index))
        if event.kind == "colour":
            return f"{opening} {who} turns {self.synonym(COLOUR_WORDS[event.value])}"
        if event.kind == "shape":
            return f"{opening} {who} becomes a {self.synonym(SHAPE_WORDS[event.value])}"
        verb = DRIFT_VERBS[-1] if self.held else self.pick(DRIFT_VERBS[:-1])
        return f"{opening} {who} {verb[0]} {self.pick(DIRECTION_WORDS[event.value])}"


def _one(w: _Words, scene: Scene) -> str:
    thing, place = scene.things[0], ""
    if w.names_it("background", -1, 0.8):
        place = w.synonym(BACKGROUND_WORDS[scene.background])
    noun = w.noun(thing, 0)
    over = w.pick(("over", "on", "against", "in front of"))
    order = w.rng.integers(5)
    verb = w.verb(thing, 0, 0 if order in (0, 1) else 1)
    if order == 0:
        return f"{noun} {verb} {over if place else ''} {place}"
    if order == 1:
        return f"{over} {place}, {noun} {verb}" if place else f"{noun} {verb}"
    if order == 2:
        return f"{place}, {noun} {verb}" if place else f"{noun}, {verb}" if verb else noun
    if order == 3:
        start = f"{noun} {over} {place}" if place else noun
        return w.pick(LEAD_INS) + (f"{start}, {verb}" if verb else start)
    return w.pick(LEAD_INS) + f"{noun} {verb} {over if place else ''} {place}"


def _two(w: _Words, scene: Scene) -> str:
    front, back = scene.things
    place = w.synonym(BACKGROUND_WORDS[scene.background]) if w.names_it("background", -1, 0.8) else ""
    w.names.add(("count", -1))
    over = w.pick(("over", "on", "against"))
    order = w.rng.integers(4)
    if order == 0:
        tail = f"{over} {place}" if place else ""
        return f"{w.noun(front, 0)} {w.verb(front, 0, 0)} and {w.noun(back, 1)} {w.verb(back, 1, 0)} {tail}"
    first = f"{w.noun(front, 0)} {w.verb(front, 0, 1)}".strip()
    second = f"{w.noun(back, 1)} {w.verb(back, 1, 1)}".strip()
    if order == 1:
        return f"{place + ', ' if place else ''}{w.pick(('two shapes', 'two objects'))}: {first}, and {second}"
    if order == 2:
        return f"{over + ' ' + place + ', ' if place else ''}{first} and {second}"
    return f"{first} and {second} {over + ' ' + place if place else ''}"


def caption(scene: Scene, rng: np.random.Generator, held: bool = False, keep: float = 0.0) -> Caption:
    """A random caption; `keep` raises every attribute's chance of being named (1: all are named)."""
    w = _Words(rng, held, keep)
    text = _one(w, scene) if len(scene.things) == 1 else _two(w, scene)
    happening = w.event(scene)
    text = " ".join(text.split()).replace(" ,", ",")
    if happening:
        text = f"{text}, {happening}"
    if w.chance(0.3):
        text = text[0].upper() + text[1:] + "."
    return Caption(text, frozenset(w.names))
