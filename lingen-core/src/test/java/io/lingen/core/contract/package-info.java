/**
 * The contracts of backends: tests that every backend must pass. Each abstract class tests a group of operations against a reference of
 * loops in double precision, with sizes that are not multiples of tiles. The module of a backend has a subclass of each, whose
 * {@code newBackend} creates the backend. Without its device, that method aborts the test (an assumption), which is reported as skipped.
 */
@NullMarked
package io.lingen.core.contract;

import org.jspecify.annotations.NullMarked;
