/**
 * Text encoders T5 v1.1 and UMT5, computed by a backend. Only the encoder of T5 is implemented, with feed-forward layers gated by GELU.
 */
@NullMarked
package io.lingen.internal.t5;

import org.jspecify.annotations.NullMarked;
