/** The loops, against their definition and against the functions of {@link java.lang.Math}. */
@NullMarked
package io.lingen.cpu.internal.loop;

import org.jspecify.annotations.NullMarked;
