"""Packs the text encoder for a machine that has to train without the Maven repository: 20 MB instead of 90.

    python -m train.pack_text --output DIR/text.zip.xz

Unpacked (`xz -d`) it serves wherever a training takes `--text`. Weights are float16, and of the vocabulary only the word pieces that captions use
are left: embeddings of captions differ by 5e-4 of their size, those of other texts are worthless. Needs the package onnx.
"""

from __future__ import annotations

import argparse
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import onnx

from world.captions import caption
from world.embed import MODEL, TOKENIZER, TextEncoder, find_jar
from world.render import random_scene

# Smaller tensors are constants of the graph, not weights.
SMALLEST = 2000


def used_pieces(text: TextEncoder, captions: int) -> np.ndarray:
    """The numbers of all word pieces of many random captions, in trained and in held-out words."""
    rng = np.random.default_rng(1)
    texts = [""]
    for i in range(captions):
        scene = random_scene(rng, 17.0, two=0.3, event=0.5)
        texts.append(caption(scene, rng, held=i % 3 == 0, keep=float(i % 2)).text)
    return np.unique(np.concatenate([e.ids for e in text.tokenizer.encode_batch(texts)]))


def halved(model: onnx.ModelProto, used: np.ndarray, vocabulary: int) -> onnx.ModelProto:
    """Weights as float16, widened again when the model is loaded; rows of word pieces that are not used become zeros."""
    graph, casts = model.graph, []
    for weight in list(graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        if len(values) == vocabulary:
            kept = np.zeros_like(values)
            kept[used] = values[used]
            values = kept
        half = f"{weight.name}_f16"
        graph.initializer.remove(weight)
        graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(onnx.helper.make_node("Cast", [half], [weight.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="ends in .zip.xz")
    parser.add_argument("--captions", type=int, default=60_000)
    args = parser.parse_args()
    text, packed = TextEncoder(), io.BytesIO()
    with zipfile.ZipFile(find_jar()) as jar, zipfile.ZipFile(packed, "w") as archive:
        model = halved(onnx.load_from_string(jar.read(MODEL)), used_pieces(text, args.captions), text.tokenizer.get_vocab_size())
        archive.writestr(MODEL, model.SerializeToString())
        archive.writestr(TOKENIZER, jar.read(TOKENIZER))
    args.output.write_bytes(lzma.compress(packed.getvalue()))
    print(f"{args.output}: {args.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
