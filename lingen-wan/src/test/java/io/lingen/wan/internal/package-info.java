@NullMarked
package io.lingen.wan.internal;

import org.jspecify.annotations.NullMarked;
