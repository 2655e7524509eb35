/** Parity checks of the parts that only Wan's family has. */
@NullMarked
package io.lingen.wan.internal.parity;

import org.jspecify.annotations.NullMarked;
