package io.lingen.internal.onnx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.IntStream;

/** Small ONNX models with the field numbers of onnx.proto, and a tokenizer for them. */
public final class OnnxFiles {
    /** Ids: [UNK] 0, [CLS] 1, [SEP] 2, a 3, red 4, ring 5. */
    public static final String TOKENIZER = ("{'version':'1.0','truncation':null,'padding':null,'added_tokens':[],"
                    + "'normalizer':{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,'strip_accents':null,'lowercase':true},"
                    + "'pre_tokenizer':{'type':'BertPreTokenizer'},"
                    + "'post_processor':{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'[CLS]','type_id':0}},"
                    + "{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':{'id':'[SEP]','type_id':0}}],"
                    + "'pair':[{'Sequence':{'id':'A','type_id':0}},{'Sequence':{'id':'B','type_id':1}}],"
                    + "'special_tokens':{'[CLS]':{'id':'[CLS]','ids':[1],'tokens':['[CLS]']},"
                    + "'[SEP]':{'id':'[SEP]','ids':[2],'tokens':['[SEP]']}}},'decoder':null,"
                    + "'model':{'type':'WordPiece','unk_token':'[UNK]','continuing_subword_prefix':'##','max_input_chars_per_word':100,"
                    + "'vocab':{'[UNK]':0,'[CLS]':1,'[SEP]':2,'a':3,'red':4,'ring':5}}}")
            .replace('\'', '"');

    public static final int VOCABULARY = 8;
    public static final int WIDTH = 16;

    private static final int FLOAT = 1;
    private static final int INT64 = 7;
    private static final int BOOL = 9;
    private static final int GRAPH_ATTRIBUTE = 5;

    private OnnxFiles() {}

    /** Rows of a table, which is inside the file. */
    public static byte[] table(float[] rows) {
        return tableOf(tensor("table", FLOAT, VOCABULARY, WIDTH).bytes(9, bytes(rows)));
    }

    /** Rows of a table that is in another file, named in all places. */
    public static byte[] externalTable(String location) {
        return tableOf(external("table", location));
    }

    /** A table's tensor, whose data are in another file. */
    static ProtobufMessage external(String name, String location) {
        return tensor(name, FLOAT, VOCABULARY, WIDTH)
                .message(13, entry("location", location))
                .message(13, entry("offset", "0"))
                .message(13, entry("length", Integer.toString(VOCABULARY * WIDTH * Float.BYTES)))
                .number(14, 1);
    }

    private static ProtobufMessage entry(String key, String value) {
        return new ProtobufMessage().text(1, key).text(2, value);
    }

    private static byte[] tableOf(ProtobufMessage table) {
        return model(new ProtobufMessage()
                .message(1, node("Gather", "last_hidden_state", "table", "input_ids"))
                .text(2, "table")
                .message(5, table)
                .message(11, value("input_ids", INT64, -1))
                .message(12, value("last_hidden_state", FLOAT, WIDTH)));
    }

    /** A layer of a transformer, with constants, a subgraph and an attention mask. */
    public static byte[] encoder() {
        ProtobufMessage then = new ProtobufMessage()
                .message(1, node("Identity", "then", "sum"))
                .text(2, "then")
                .message(12, value("then", FLOAT, WIDTH));
        ProtobufMessage otherwise = new ProtobufMessage()
                .message(1, node("Neg", "else", "sum"))
                .text(2, "else")
                .message(12, value("else", FLOAT, WIDTH));
        ProtobufMessage half = tensor("", FLOAT).bytes(9, bytes(0.5f));
        return model(new ProtobufMessage()
                .message(1, node("Gather", "x", "table", "input_ids"))
                .message(
                        1,
                        node("LayerNormalization", "n", "x", "scale", "shift")
                                .message(5, number("axis", -1))
                                .message(5, attribute("epsilon", 1).fixed32(2, Float.floatToIntBits(1e-5f))))
                .message(1, node("MatMul", "q", "n", "wq"))
                .message(1, node("MatMul", "k", "n", "wk"))
                .message(1, node("MatMul", "v", "n", "wv"))
                .message(1, node("Transpose", "kt", "k").message(5, numbers("perm", 0, 2, 1)))
                .message(1, node("MatMul", "s", "q", "kt"))
                .message(
                        1,
                        node("Constant", "half")
                                .message(5, attribute("value", 4).message(5, half)))
                .message(1, node("Mul", "scaled", "s", "half"))
                .message(1, node("Cast", "m", "attention_mask").message(5, number("to", FLOAT)))
                .message(1, node("Unsqueeze", "mask", "m", "one"))
                .message(1, node("Mul", "masked", "scaled", "mask"))
                .message(1, node("Softmax", "p", "masked").message(5, number("axis", -1)))
                .message(1, node("MatMul", "o", "p", "v"))
                .message(1, node("Add", "sum", "x", "o"))
                .message(
                        1,
                        node("If", "y", "yes")
                                .message(
                                        5,
                                        attribute("then_branch", GRAPH_ATTRIBUTE)
                                                .message(6, then))
                                .message(
                                        5,
                                        attribute("else_branch", GRAPH_ATTRIBUTE)
                                                .message(6, otherwise)))
                .message(1, node("Reshape", "last_hidden_state", "y", "shape"))
                .text(2, "encoder")
                .message(5, floats("table", 1, VOCABULARY, WIDTH))
                .message(5, floats("scale", 2, WIDTH))
                .message(5, floats("shift", 3, WIDTH))
                .message(5, floats("wq", 4, WIDTH, WIDTH))
                .message(5, floats("wk", 5, WIDTH, WIDTH))
                .message(5, floats("wv", 6, WIDTH, WIDTH))
                .message(5, tensor("one", INT64, 1).number(7, 1))
                .message(5, tensor("shape", INT64, 3).number(7, 0).number(7, 0).number(7, WIDTH))
                .message(5, tensor("yes", BOOL, 1).number(5, 1))
                .message(11, value("input_ids", INT64, -1))
                .message(11, value("attention_mask", INT64, -1))
                .message(12, value("last_hidden_state", FLOAT, WIDTH)));
    }

    static byte[] model(ProtobufMessage graph) {
        return new ProtobufMessage()
                .number(1, 8)
                .text(2, "test")
                .message(8, new ProtobufMessage().number(2, 17))
                .message(7, graph)
                .toBytes();
    }

    static ProtobufMessage node(String type, String output, String... inputs) {
        ProtobufMessage node = new ProtobufMessage();
        for (String input : inputs) {
            node.text(1, input);
        }
        return node.text(2, output).text(4, type);
    }

    static ProtobufMessage attribute(String name, int type) {
        return new ProtobufMessage().text(1, name).number(20, type);
    }

    private static ProtobufMessage number(String name, long value) {
        return attribute(name, 2).number(3, value);
    }

    private static ProtobufMessage numbers(String name, long... values) {
        ProtobufMessage attribute = attribute(name, 7);
        for (long value : values) {
            attribute.number(8, value);
        }
        return attribute;
    }

    private static ProtobufMessage tensor(String name, int type, long... lengths) {
        ProtobufMessage tensor = new ProtobufMessage();
        for (long length : lengths) {
            tensor.number(1, length);
        }
        return tensor.number(2, type).text(8, name);
    }

    private static ProtobufMessage floats(String name, long seed, int... lengths) {
        float[] values = values(seed, IntStream.of(lengths).reduce(1, (a, b) -> a * b));
        return tensor(name, FLOAT, IntStream.of(lengths).asLongStream().toArray())
                .bytes(9, bytes(values));
    }

    /** Normally distributed values. */
    public static float[] values(long seed, int count) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    public static byte[] bytes(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return bytes.array();
    }

    /** An input or output [1, L], or [1, L, last]. */
    private static ProtobufMessage value(String name, int type, int last) {
        ProtobufMessage shape = new ProtobufMessage()
                .message(1, new ProtobufMessage().number(1, 1))
                .message(1, new ProtobufMessage().text(2, "length"));
        if (last > 0) {
            shape.message(1, new ProtobufMessage().number(1, last));
        }
        ProtobufMessage tensor = new ProtobufMessage().number(1, type).message(2, shape);
        return new ProtobufMessage().text(1, name).message(2, new ProtobufMessage().message(1, tensor));
    }
}
