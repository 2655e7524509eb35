/**
 * From a prompt to the vectors that a denoiser attends to. {@link io.lingen.text.OnnxTextEncoder} runs any ONNX encoder that comes with a
 * {@code tokenizer.json} through DJL, offline, and tokenizes in Java; other encoders implement {@link io.lingen.text.TextEncoder}.
 */
@NullMarked
package io.lingen.text;

import org.jspecify.annotations.NullMarked;
