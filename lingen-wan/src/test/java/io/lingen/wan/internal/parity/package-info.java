/** Helpers of tests of parity checks. */
@NullMarked
package io.lingen.wan.internal.parity;

import org.jspecify.annotations.NullMarked;
