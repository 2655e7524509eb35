/** Text encoders that run ONNX models on DJL's ONNX Runtime engine. */
@NullMarked
package io.lingen.internal.onnx;

import org.jspecify.annotations.NullMarked;
