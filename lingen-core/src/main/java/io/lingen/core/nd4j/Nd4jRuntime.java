package io.lingen.core.nd4j;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.spi.BackendProvider.Availability;
import java.util.function.Supplier;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.factory.Nd4j;

/** ND4J as a whole: whether it is there, and where intermediate results live. */
final class Nd4jRuntime {
    /** Keeps nothing for later: each array is allocated by itself and freed when the scope ends. */
    private static final WorkspaceConfiguration SCOPE = WorkspaceConfiguration.builder()
            .initialSize(0)
            .policyAllocation(AllocationPolicy.STRICT)
            .policyLearning(LearningPolicy.NONE)
            .policySpill(SpillPolicy.EXTERNAL)
            .build();

    private Nd4jRuntime() {}

    static Availability availability() {
        try {
            org.nd4j.linalg.factory.Nd4jBackend.load();
        } catch (org.nd4j.linalg.factory.Nd4jBackend.NoAvailableBackendException e) {
            return new Availability(
                    false,
                    "ND4J has no backend on the class path; add org.nd4j:nd4j-native with the classifier of this platform");
        }
        return Nd4j.getBackend() == null
                ? new Availability(false, "ND4J could not initialise its backend; its log says why")
                : new Availability(true, description());
    }

    static String description() {
        return "ND4J " + Nd4j.getBackend().getClass().getSimpleName() + ", reference in F32";
    }

    /** Whether arrays lie in memory that the host addresses. */
    static boolean isCpu() {
        return Nd4j.getEnvironment().isCPU();
    }

    /** Runs an operation whose intermediate arrays are freed when it ends. */
    static void inScope(Runnable operation) {
        MemoryWorkspace scope = Nd4j.getWorkspaceManager().getAndActivateWorkspace(SCOPE, "lingen");
        try {
            operation.run();
        } catch (OutOfMemoryError | RuntimeException e) {
            throw translated("the intermediate results of an operation", e);
        } finally {
            scope.close();
        }
    }

    /** Runs an allocation of arrays that outlive every scope, even the caller's own ND4J workspace. */
    static <T> T outOfScopes(String what, Supplier<T> allocation) {
        MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces();
        try {
            return allocation.get();
        } catch (OutOfMemoryError | RuntimeException e) {
            throw translated(what, e);
        } finally {
            outside.close();
        }
    }

    /** ND4J reports that memory is short by an error of javacpp or by a plain exception around std::bad_alloc. */
    private static RuntimeException translated(String what, Throwable e) {
        if (e instanceof RuntimeException && !String.valueOf(e.getMessage()).contains("Allocation failed")) {
            return (RuntimeException) e;
        }
        return new OutOfMemoryException(
                "ND4J has no memory for " + what + " (" + e.getMessage()
                        + "); raise -Dorg.bytedeco.javacpp.maxbytes and maxphysicalbytes, or make less at a time",
                e);
    }
}
