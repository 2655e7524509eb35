/**
 * Text encoders of the T5 family in the library's own operations: T5 v1.1 and UMT5. Encoders only; the feed-forward layers are gated by
 * GELU.
 */
@NullMarked
package io.lingen.internal.t5;

import org.jspecify.annotations.NullMarked;
