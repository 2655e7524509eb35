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
    "red": ("red", "crimson", "scarlet", "cherry red", "bright red", "blood red", "vermilion", "garnet", "tomato red", "rose red", "brick red", "fiery red",
            "cherry", "carmine", "strawberry red", "reddish", "ruby"),
    "orange": ("orange", "tangerine", "pumpkin orange", "bright orange", "apricot", "carrot orange", "copper", "rust orange", "marigold", "orange-coloured",
               "mandarin orange", "papaya", "burnt orange", "topaz", "pumpkin", "amber"),
    "yellow": ("yellow", "golden", "lemon yellow", "bright yellow", "sunflower yellow", "banana yellow", "mustard", "lemon", "butter yellow", "corn yellow",
               "gold", "citrine", "sunny yellow", "yellowish", "canary yellow"),
    "green": ("green", "emerald", "grass green", "bright green", "leaf green", "mint green", "lime green", "fern green", "malachite", "moss green", "clover green",
              "olivine", "apple green", "greenish", "jade"),
    "cyan": ("cyan", "turquoise", "aqua", "aquamarine", "bright cyan", "blue-green", "light turquoise", "sky cyan", "lagoon blue", "greenish blue",
             "electric cyan", "turquoise blue", "cyan-coloured", "bluish green", "teal"),
    "blue": ("blue", "cobalt blue", "royal blue", "ultramarine", "bright blue", "cobalt", "azure", "electric blue", "ocean blue", "lapis lazuli", "denim blue",
             "cornflower blue", "lapis", "bluish", "sapphire"),
    "purple": ("purple", "violet", "lavender", "plum", "amethyst", "bright purple", "mauve", "orchid", "grape", "eggplant", "heliotrope", "purplish", "wisteria",
               "iris purple", "lilac"),
    "white": ("white", "snow-white", "pure white", "chalk white", "pearl white", "milky white", "cream", "alabaster", "bone white", "porcelain white",
              "cotton white", "whitish", "bright white", "pearl", "ivory"),
}
SHAPE_WORDS = {
    "circle": ("circle", "disc", "ball", "disk", "round dot", "sphere", "globe", "round shape", "filled circle", "marble", "full moon", "dot", "orb"),
    "square": ("square", "box", "four-sided shape", "tile", "cube", "quadrilateral", "square shape", "brick", "four-cornered shape", "square tile", "crate",
               "equal-sided rectangle", "block"),
    "triangle": ("triangle", "three-sided shape", "three-cornered shape", "trilateral", "triangular shape", "triangular tile", "pyramid", "three-sided polygon",
                 "pyramid shape", "arrowhead", "wedge"),
    "star": ("star", "five-pointed star", "star shape", "five-armed star", "starburst", "five-point star", "starfish", "pentacle", "star with five points",
             "sheriff's star", "five-cornered star", "pentagram"),
    "ring": ("ring", "hoop", "annulus", "donut", "hollow circle", "round band", "circular band", "hula hoop", "doughnut", "wheel rim", "circle with a hole",
             "ring shape", "bangle", "loop"),
    "cross": ("cross", "plus sign", "cross shape", "cross sign", "crossed bars", "addition sign", "upright cross", "Greek cross", "crosslet", "plus-shaped sign",
              "crucifix", "two crossed bars", "plus"),
}
SIZE_WORDS = {"small": ("small", "little", "tiny", "petite", "compact", "minute", "minuscule", "smallish", "undersized", "mini"),
              "large": ("large", "big", "giant", "massive", "enormous", "great", "gigantic", "oversized", "sizeable", "huge")}
SPEED_WORDS = {"slowly": ("slowly", "gently", "unhurriedly", "at a slow pace", "sluggishly", "lazily", "at low speed", "without haste", "at a snail's pace", "leisurely"),
               "quickly": ("quickly", "fast", "rapidly", "speedily", "briskly", "at high speed", "hurriedly", "at a fast pace", "with great speed", "hastily",
                           "swiftly")}
BACKGROUND_WORDS = {
    "black": ("a black background", "a plain black backdrop", "a pure black background", "complete darkness", "a black void", "total darkness", "a black backdrop",
              "deep darkness", "empty blackness", "a jet black background", "a dark void", "pitch darkness"),
    "gray": ("a gray background", "a plain gray backdrop", "a grey background", "an ash gray backdrop", "a stone gray background", "a grey backdrop",
             "a concrete gray background", "a plain grey wall", "a granite backdrop", "a dull gray background", "a charcoal gray backdrop", "a slate backdrop"),
    "navy": ("a navy background", "a dark blue background", "a navy blue backdrop", "a deep blue backdrop", "a dark navy background", "a navy backdrop",
             "an indigo backdrop", "a dark blue wall", "a deep navy background", "a night blue background", "an ink blue backdrop", "a midnight blue backdrop"),
    "forest": ("a forest green background", "a dark green background", "a dark green backdrop", "a deep green background", "a woodland green backdrop",
               "a forest green backdrop", "a fir green background", "a dark forest green wall", "a bottle green backdrop", "a spruce green backdrop",
               "a hunter green background", "a pine green backdrop"),
    "checkerboard": ("a checkerboard", "a checkerboard background", "a chequered background", "a checked board", "a checkerboard pattern", "a checkered pattern",
                     "a chequerboard", "a board of gray squares", "a checkered board", "a chequered floor", "a draughts board", "a chessboard"),
    "night sky": ("a night sky", "a starry night sky", "the night sky", "a starlit sky", "a dark sky with stars", "a starry sky", "a sky with faint stars",
                  "the stars of the night", "a dark starry sky", "a field of stars", "the starry heavens", "a sky full of stars"),
}
# (third person, participle)
MOTION_WORDS = {
    "clockwise": (("circles clockwise", "circling clockwise"), ("moves clockwise around the centre", "moving clockwise around the centre"),
                  ("orbits clockwise", "orbiting clockwise"), ("goes round the centre clockwise", "going round the centre clockwise"),
                  ("travels in a clockwise circle", "travelling in a clockwise circle"), ("runs clockwise around the middle", "running clockwise around the middle"),
                  ("follows a clockwise orbit", "following a clockwise orbit"), ("goes in circles clockwise", "going in circles clockwise"),
                  ("circles around the centre clockwise", "circling around the centre clockwise"), ("revolves clockwise", "revolving clockwise")),
    "counterclockwise": (("circles counter-clockwise", "circling counter-clockwise"),
                         ("moves counterclockwise around the centre", "moving counterclockwise around the centre"),
                         ("orbits counter-clockwise", "orbiting counter-clockwise"),
                         ("goes round the centre counterclockwise", "going round the centre counterclockwise"),
                         ("travels in a circle against the clock", "travelling in a circle against the clock"),
                         ("runs anticlockwise around the middle", "running anticlockwise around the middle"),
                         ("follows a counterclockwise orbit", "following a counterclockwise orbit"),
                         ("goes in circles anti-clockwise", "going in circles anti-clockwise"), ("circles anticlockwise", "circling anticlockwise"),
                         ("revolves anticlockwise", "revolving anticlockwise")),
    "bouncing": (("bounces off the borders", "bouncing off the borders"), ("bounces around", "bouncing around"),
                 ("bounces off the walls", "bouncing off the walls"), ("rebounds off the sides", "rebounding off the sides"),
                 ("bounces from wall to wall", "bouncing from wall to wall"), ("bounces back and forth", "bouncing back and forth"),
                 ("bounces off the edges", "bouncing off the edges"), ("rebounds from border to border", "rebounding from border to border"),
                 ("caroms off the borders", "caroming off the borders"), ("ricochets off the edges", "ricocheting off the edges")),
    "still": (("stays still", "staying still"), ("does not move", "not moving"), ("stands still", "standing still"),
              ("stays where it is", "staying where it is"), ("remains motionless", "remaining motionless"), ("keeps still", "keeping still"),
              ("stays in place", "staying in place"), ("is at rest", "being at rest"), ("hangs motionless", "hanging motionless"),
              ("remains in its place", "remaining in its place"), ("rests in place", "resting in place")),
    "growing": (("grows", "growing"), ("becomes larger", "becoming larger"), ("gets bigger", "getting bigger"), ("swells", "swelling"),
                ("increases in size", "increasing in size"), ("enlarges", "enlarging"), ("inflates", "inflating"), ("grows in size", "growing in size"),
                ("blows up", "blowing up"), ("becomes bigger", "becoming bigger"), ("expands", "expanding")),
    "shrinking": (("shrinks", "shrinking"), ("becomes smaller", "becoming smaller"), ("gets smaller", "getting smaller"), ("dwindles", "dwindling"),
                  ("decreases in size", "decreasing in size"), ("diminishes", "diminishing"), ("deflates", "deflating"), ("shrinks in size", "shrinking in size"),
                  ("narrows", "narrowing"), ("grows smaller", "growing smaller"), ("contracts", "contracting")),
    "spinning": (("spins in place", "spinning in place"), ("rotates on the spot", "rotating on the spot"), ("spins", "spinning"),
                 ("turns around itself", "turning around itself"), ("whirls on the spot", "whirling on the spot"), ("rotates", "rotating"),
                 ("turns on its own axis", "turning on its own axis"), ("pirouettes", "pirouetting"), ("spins around", "spinning around"),
                 ("swivels on the spot", "swivelling on the spot"), ("twirls", "twirling")),
}
DRIFT_VERBS = (("moves", "moving"), ("drifts", "drifting"), ("slides", "sliding"), ("glides", "gliding"), ("travels", "travelling"), ("flies", "flying"),
               ("goes", "going"), ("sails", "sailing"), ("wanders", "wandering"), ("floats", "floating"))
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
