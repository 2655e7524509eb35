/**
 * Tokenizers of strangers' models in Java: reads Hugging Face {@code tokenizer.json} files and gives the token ids that the Rust library
 * tokenizers 0.21 gives, which is what the publishers' models were trained with. {@link io.lingen.internal.tokenizer.TokenizerReader}
 * reads, {@link io.lingen.internal.tokenizer.Tokenizer} encodes.
 *
 * <p>Read are WordPiece, Unigram and BPE models with the normalizers, pre-tokenizers and post-processors that text encoders come with.
 * A part that is none of them is refused by name. Decoders, truncation and padding of the file are not read. A damaged file is a
 * {@link io.lingen.core.checkpoint.CheckpointException}; time and memory are bounded by its size.
 *
 * <p>Character properties follow the Unicode versions of that library's parts (8, 9, 16 and 17), as exceptions from those of JDK 25,
 * which has Unicode 16.
 */
@NullMarked
package io.lingen.internal.tokenizer;

import org.jspecify.annotations.NullMarked;
