@NullMarked
package io.lingen.core.internal;

import org.jspecify.annotations.NullMarked;
