/** Tests of SANA-Video's transformer. */
@NullMarked
package io.lingen.sana.internal.transformer;

import org.jspecify.annotations.NullMarked;
