import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientSseClientTransport;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.json.McpJsonDefaults;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Uses servers through the Java SDK: JavaClient URL... Prints one line of JSON for each with what came of it.
 * One whose URL ends in /sse is the fixture, another is java_server.py.
 */
public class JavaClient {
    static final Duration LONG = Duration.ofSeconds(20);
    /** How long a call waits for an answer that does not come. */
    static final Duration SHORT = Duration.ofSeconds(2);
    static final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    public static void main(String[] urls) {
        int code = 0;
        try {
            for (String url : urls) {
                Map<String, Object> report = new TreeMap<>();
                use(URI.create(url), report);
                System.out.println(McpJsonDefaults.getMapper().writeValueAsString(report));
            }
        } catch (Throwable error) {
            error.printStackTrace();
            code = 1;
        }
        System.exit(code); // Threads of the SDK would keep the process.
    }

    @SuppressWarnings("deprecation") // The SDK has deprecated HTTP+SSE.
    static void use(URI url, Map<String, Object> report) throws Exception {
        String origin = url.getScheme() + "://" + url.getAuthority();
        if (url.getPath().endsWith("/sse")) {
            var transport = HttpClientSseClientTransport.builder(origin).sseEndpoint(url.getPath()).build();
            try (McpSyncClient client = client(transport, LONG)) {
                fixture(client, report);
            }
            return;
        }
        try (McpSyncClient client = client(http(origin, url), LONG);
             McpSyncClient impatient = client(http(origin, url), SHORT)) {
            objects(client, report);
            closedStream(impatient, report);
            report.put("closed", call(client, "closed", Map.of()));
            report.put("heard later", List.copyOf(heard));
        }
    }

    static McpClientTransport http(String origin, URI url) {
        return HttpClientStreamableHttpTransport.builder(origin).endpoint(url.getPath()).build();
    }

    static McpSyncClient client(McpClientTransport transport, Duration limit) {
        McpSyncClient client = McpClient.sync(transport)
            .requestTimeout(limit)
            .initializationTimeout(LONG)
            .capabilities(McpSchema.ClientCapabilities.builder().elicitation().build())
            .elicitation(question -> McpSchema.ElicitResult.builder(McpSchema.ElicitResult.Action.ACCEPT)
                .content(Map.of("name", question.message().equals("What is your name?") ? "Ada" : "?"))
                .build())
            .progressConsumer(said -> heard.add("progress " + said.progress().intValue() + " " + said.message()))
            .loggingConsumer(said -> heard.add("log " + said.level() + " " + said.data()))
            .build();
        client.initialize();
        return client;
    }

    static void fixture(McpSyncClient client, Map<String, Object> report) throws Exception {
        report.put("revision", client.getCurrentInitializationResult().protocolVersion());
        report.put("server", client.getServerInfo().name());
        report.put("tools", client.listTools().tools().stream().map(McpSchema.Tool::name).toList());
        report.put("add", call(client, "add", Map.of("a", 2, "b", 3)));
        report.put("count", call(client, "count", Map.of("to", 3)));
        report.put("progress", take(3));
        client.setLoggingLevel(McpSchema.LoggingLevel.ERROR);
        report.put("log", call(client, "log", Map.of()));
        report.put("logged", take(4));
        report.put("asked", call(client, "ask_name", Map.of()));
        report.put("fail", client.callTool(CallToolRequest.builder("fail").build()).isError());
        var text = (McpSchema.TextResourceContents) client
            .readResource(McpSchema.ReadResourceRequest.builder("test://static-text").build()).contents().get(0);
        report.put("resource", text.text());
    }

    static void objects(McpSyncClient client, Map<String, Object> report) throws Exception {
        client.setLoggingLevel(McpSchema.LoggingLevel.INFO);
        report.put("objects", call(client, "log_object", Map.of()));
        report.put("logged", take(1));
    }

    static void closedStream(McpSyncClient client, Map<String, Object> report) {
        try {
            report.put("answer", call(client, "close", Map.of()));
        } catch (RuntimeException error) {
            report.put("answer", error.toString());
        }
    }

    static String call(McpSyncClient client, String tool, Map<String, Object> arguments) {
        var request = CallToolRequest.builder(tool).arguments(arguments).progressToken(tool).build();
        return ((TextContent) client.callTool(request).content().get(0)).text();
    }

    /**
     * The next notifications, sorted, as the SDK runs the consumers of this kind of client side by side.
     * One that does not arrive is "none".
     */
    static List<String> take(int count) throws InterruptedException {
        String[] taken = new String[count];
        for (int at = 0; at < count; at++) {
            taken[at] = Objects.requireNonNullElse(heard.poll(10, TimeUnit.SECONDS), "none");
        }
        Arrays.sort(taken);
        return Arrays.asList(taken);
    }
}
