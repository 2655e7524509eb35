/** Text encoders that are ONNX models, run by DJL's ONNX Runtime engine. */
@NullMarked
package io.lingen.internal.onnx;

import org.jspecify.annotations.NullMarked;
