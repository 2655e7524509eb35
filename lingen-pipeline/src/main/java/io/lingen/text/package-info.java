/**
 * From a prompt to the vectors that a denoiser attends to: rewriters change a prompt's words, encoders turn it into embeddings. A family of
 * models brings its own encoders; LinGen's are ONNX models.
 */
@NullMarked
package io.lingen.text;

import org.jspecify.annotations.NullMarked;
