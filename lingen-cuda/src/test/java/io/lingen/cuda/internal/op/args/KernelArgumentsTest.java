package io.lingen.cuda.internal.op.args;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.KernelSource;
import io.lingen.cuda.internal.driver.StructWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Checks that every parameter struct of the kernel sources has a record with the same names, order and C types of fields. */
final class KernelArgumentsTest {
    /** KERNEL(threads, name, Struct) or KERNEL_RESIDENT(threads, blocks, name, Struct). */
    private static final Pattern KERNEL =
            Pattern.compile("^KERNEL(?:_RESIDENT)?\\([^)]*\\b(\\w+)\\)", Pattern.MULTILINE);

    private static final Pattern FIELD = Pattern.compile("  (?:const |unsigned )?(\\w+)(\\*?) ([\\w, ]+);");

    /** A parameter struct and the source of its kernel. */
    record Parameters(String source, String struct) {
        Class<?> arguments() throws ClassNotFoundException {
            return Class.forName(Parameters.class.getPackageName() + "." + struct + "Arguments");
        }
    }

    /** A field with its C type, "*" for a pointer. */
    record Field(String type, String name) {}

    static Stream<Parameters> parameters() {
        return KernelSource.NAMES.stream().flatMap(source -> {
            Set<String> structs = new TreeSet<>();
            Matcher kernel = KERNEL.matcher(KernelSource.of(source).text());
            while (kernel.find()) {
                structs.add(kernel.group(1));
            }
            assertTrue(!structs.isEmpty(), () -> source + ".cu has no kernel");
            return structs.stream().map(struct -> new Parameters(source, struct));
        });
    }

    @ParameterizedTest
    @MethodSource("parameters")
    void recordsMatchTheStructs(Parameters parameters) throws ClassNotFoundException {
        KernelSource source = KernelSource.of(parameters.source);
        String code = source.text() + String.join("", source.headers().values());
        compare(code, parameters.struct, parameters.arguments());
    }

    @ParameterizedTest
    @MethodSource("parameters")
    void recordsHaveTheLayoutOfC(Parameters parameters) throws ReflectiveOperationException {
        ByteBuffer expected = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());
        KernelArguments arguments = (KernelArguments) fill(parameters.arguments(), expected);
        align(expected, Long.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            StructWriter writer = new StructWriter(arena);
            arguments.layOut(writer);
            assertArrayEquals(
                    Arrays.copyOf(expected.array(), expected.position()),
                    writer.struct().toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** Creates a record whose components are their own offsets, or alternating flags, and appends them to a struct. */
    private static Object fill(Class<?> type, ByteBuffer struct) throws ReflectiveOperationException {
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            Class<?> field = components[i].getType();
            if (field.isRecord()) {
                values[i] = fill(field, struct);
            } else if (field == long.class) {
                align(struct, Long.BYTES);
                values[i] = (1L << 40) + struct.position();
                struct.putLong((long) values[i]);
            } else if (field == float.class) {
                values[i] = struct.position() + 0.5f;
                struct.putFloat((float) values[i]);
            } else if (field == int.class) {
                values[i] = struct.position();
                struct.putInt((int) values[i]);
            } else {
                values[i] = struct.position() % 8 == 0;
                struct.putInt((boolean) values[i] ? 1 : 0);
            }
        }
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        return type.getDeclaredConstructor(types).newInstance(values);
    }

    private static void align(ByteBuffer struct, int bytes) {
        struct.position(Math.ceilDiv(struct.position(), bytes) * bytes);
    }

    private static void compare(String code, String struct, Class<?> arguments) {
        List<Field> fields = fields(code, struct);
        RecordComponent[] components = arguments.getRecordComponents();
        List<Field> found = new ArrayList<>();
        for (int i = 0; i < components.length; i++) {
            String type = i < fields.size() ? fields.get(i).type : "";
            found.add(new Field(cType(components[i].getType(), type), components[i].getName()));
            if (components[i].getType().isRecord()) {
                compare(code, type, components[i].getType());
            }
        }
        assertEquals(fields, found, () -> "the struct " + struct + " and " + arguments);
    }

    /** Returns the C type of a component. If several have the same layout, returns the wanted one. */
    private static String cType(Class<?> type, String wanted) {
        if (type.isRecord()) {
            return type.getSimpleName().replaceFirst("Arguments$", "");
        }
        List<String> types = type == long.class
                ? List.of("i64", "*")
                : type == int.class ? List.of("int", "u32") : List.of(type == boolean.class ? "int" : type.getName());
        return types.contains(wanted) ? wanted : types.get(0);
    }

    private static List<Field> fields(String code, String struct) {
        Matcher body = Pattern.compile("^struct " + struct + " \\{\n(.*?)^};", Pattern.MULTILINE | Pattern.DOTALL)
                .matcher(code);
        assertTrue(body.find(), () -> "no struct " + struct);
        List<Field> fields = new ArrayList<>();
        body.group(1).replaceAll("//.*", "").lines().map(String::stripTrailing).forEach(line -> {
            Matcher field = FIELD.matcher(line);
            if (field.matches()) {
                for (String name : field.group(3).split(", ")) {
                    fields.add(new Field(field.group(2).isEmpty() ? field.group(1) : "*", camelCase(name)));
                }
            } else {
                assertTrue(line.matches("|  DEVICE .*|    .*|  }"), () -> "neither a field nor a method: " + line);
            }
        });
        return fields;
    }

    private static String camelCase(String name) {
        return Pattern.compile("_(\\w)").matcher(name).replaceAll(part -> part.group(1)
                .toUpperCase(Locale.ROOT));
    }
}
