/**
 * Prompt rewriters and text encoders. A rewriter changes the words of a prompt, a text encoder maps it to the vectors that the denoiser
 * attends to. A model family provides its own encoders; those of LinGen models are ONNX models.
 */
@NullMarked
package io.lingen.text;

import org.jspecify.annotations.NullMarked;
