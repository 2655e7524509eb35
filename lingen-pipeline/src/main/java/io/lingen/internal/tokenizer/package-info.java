/**
 * Tokenizers for published text encoders. {@link io.lingen.internal.tokenizer.TokenizerReader} reads Hugging Face {@code tokenizer.json}
 * files, and {@link io.lingen.internal.tokenizer.Tokenizer} encodes texts. The token ids equal those of the Rust library tokenizers 0.21.
 *
 * <p>Supported are WordPiece, Unigram and BPE models, and the normalizers, pre-tokenizers and post-processors that text encoders use. An
 * unsupported part is rejected by name. The fields decoder, truncation and padding are ignored. A malformed file causes a
 * {@link io.lingen.core.checkpoint.CheckpointException}; its size bounds the time and memory for reading it.
 *
 * <p>Character properties are those of JDK 25, which has Unicode 16, with exceptions for parts of the library that use Unicode 8, 9 or 17.
 */
@NullMarked
package io.lingen.internal.tokenizer;

import org.jspecify.annotations.NullMarked;
