@NullMarked
package io.lingen.internal.gemma;

import org.jspecify.annotations.NullMarked;
