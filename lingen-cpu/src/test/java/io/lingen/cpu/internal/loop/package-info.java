/** Tests of the inner loops. */
@NullMarked
package io.lingen.cpu.internal.loop;

import org.jspecify.annotations.NullMarked;
