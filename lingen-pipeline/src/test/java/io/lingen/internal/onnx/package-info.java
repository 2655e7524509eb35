@NullMarked
package io.lingen.internal.onnx;

import org.jspecify.annotations.NullMarked;
