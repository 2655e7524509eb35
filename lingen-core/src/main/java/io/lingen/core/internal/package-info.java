/** Helpers shared by the modules of this project: files, text, number formats. Not API. */
@NullMarked
package io.lingen.core.internal;

import org.jspecify.annotations.NullMarked;
