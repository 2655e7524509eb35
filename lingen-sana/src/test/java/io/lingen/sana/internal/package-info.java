/** Tests of the SANA-Video model family. */
@NullMarked
package io.lingen.sana.internal;

import org.jspecify.annotations.NullMarked;
