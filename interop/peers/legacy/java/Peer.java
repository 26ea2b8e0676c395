// Java's JSSE as a peer of the old days: one JSON command per line on standard input, one event per line on standard
// output, as src/legacy/drivers.ts says. With `inspect` it prints its version and its suites.
//
// The security properties that forbid what is old are read when JSSE is first used: they are emptied before.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public final class Peer {
  private static final int WAIT_MS = 15_000;
  private static final Map<Integer, String> VERSIONS =
      Map.of(0x300, "SSLv3", 0x301, "TLSv1", 0x302, "TLSv1.1", 0x303, "TLSv1.2", 0x304, "TLSv1.3");
  private static final char[] NO_PASSWORD = new char[0];

  private static final Map<Integer, SSLServerSocket> listeners = new ConcurrentHashMap<>();
  private static final Map<String, SSLContext> contexts = new ConcurrentHashMap<>();

  public static void main(String[] arguments) throws Exception {
    for (String property : new String[] {"jdk.tls.disabledAlgorithms", "jdk.tls.legacyAlgorithms",
        "jdk.certpath.disabledAlgorithms", "jdk.disabled.namedCurves"}) {
      Security.setProperty(property, "");
    }
    System.setProperty("jdk.tls.ephemeralDHKeySize", "2048");
    if (arguments.length > 0 && arguments[0].equals("inspect")) {
      System.out.println("Java " + System.getProperty("java.version"));
      for (String suite : SSLContext.getDefault().getSupportedSSLParameters().getCipherSuites()) {
        System.out.println(suite.replaceFirst("^SSL_", "TLS_"));
      }
      return;
    }
    ExecutorService workers = Executors.newCachedThreadPool(task -> {
      Thread thread = new Thread(task);
      thread.setDaemon(true);
      return thread;
    });
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Command command = Command.parse(line);
      if (command.is("stop")) {
        SSLServerSocket listener = listeners.get(command.number("id"));
        if (listener != null) listener.close();
      } else {
        workers.submit(() -> work(command));
      }
    }
  }

  private static void work(Command command) {
    int id = command.number("id");
    try {
      if (command.text("role").equals("server")) serve(command);
      else connect(command);
      say("{\"id\":" + id + ",\"event\":\"done\"}");
    } catch (Throwable error) {
      StringBuilder words = new StringBuilder();
      for (Throwable one = error; one != null; one = one.getCause()) {
        words.append(words.length() == 0 ? "" : "; because of ").append(one);
      }
      String quoted = words.toString().replaceAll("[^ -~]|[\"\\\\]", "'");
      say("{\"id\":" + id + ",\"event\":\"done\",\"error\":\"" + quoted + "\"}");
    }
  }

  private static void serve(Command command) throws Exception {
    try (SSLServerSocket listener = (SSLServerSocket) contextOf(command).getServerSocketFactory()
        .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      listener.setSoTimeout(WAIT_MS);
      SSLParameters parameters = parametersOf(command, listener.getSupportedCipherSuites());
      parameters.setNeedClientAuth(command.is("askCertificate"));
      listener.setSSLParameters(parameters);
      listeners.put(command.number("id"), listener);
      say("{\"id\":" + command.number("id") + ",\"event\":\"listening\",\"port\":" + listener.getLocalPort() + "}");
      try (SSLSocket socket = (SSLSocket) listener.accept()) {
        socket.setSoTimeout(WAIT_MS);
        // TLS 1.0 sends the first byte of data by itself: the second record is not to wait for its answer.
        socket.setTcpNoDelay(true);
        socket.startHandshake();
        check(command, socket);
        InputStream input = socket.getInputStream();
        OutputStream output = socket.getOutputStream();
        for (byte[] line = lineOf(input); line != null; line = lineOf(input)) output.write(reversed(line));
      }
    }
  }

  private static void connect(Command command) throws Exception {
    try (SSLSocket socket = (SSLSocket) contextOf(command).getSocketFactory()
        .createSocket(InetAddress.getLoopbackAddress(), command.number("port"))) {
      socket.setSoTimeout(WAIT_MS);
      socket.setTcpNoDelay(true);
      SSLParameters parameters = parametersOf(command, socket.getSupportedCipherSuites());
      parameters.setServerNames(List.of(new SNIHostName("localhost")));
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      check(command, socket);
      InputStream input = socket.getInputStream();
      for (String line : command.texts("lines")) {
        byte[] said = line.getBytes(StandardCharsets.US_ASCII);
        socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        byte[] answer = lineOf(input);
        if (answer == null || !Arrays.equals(said, Arrays.copyOf(reversed(answer), answer.length))) {
          throw new IOException("the answer to a line of " + said.length + " bytes was another");
        }
      }
    }
  }

  private static void check(Command command, SSLSocket socket) throws IOException {
    String suite = socket.getSession().getCipherSuite().replaceFirst("^SSL_", "TLS_");
    if (command.has("suite") && !suite.equals(command.text("suite"))) throw new IOException(suite + " was agreed on");
  }

  /** A line without its end; null at the end of data. */
  private static byte[] lineOf(InputStream input) throws IOException {
    byte[] line = new byte[16_384];
    for (int length = 0;;) {
      int next = input.read();
      if (next < 0) return null;
      if (next == '\n') return Arrays.copyOf(line, length);
      line[length++] = (byte) next;
    }
  }

  /** A line turned around, with its end. */
  private static byte[] reversed(byte[] line) {
    byte[] out = new byte[line.length + 1];
    for (int at = 0; at < line.length; at++) out[at] = line[line.length - 1 - at];
    out[line.length] = '\n';
    return out;
  }

  private static SSLParameters parametersOf(Command command, String[] supported) {
    List<String> versions = new ArrayList<>();
    for (int id = command.number("lowest"); id <= command.number("highest"); id++) versions.add(VERSIONS.get(id));
    List<String> suites = new ArrayList<>();
    for (String suite : supported) {
      String name = suite.replaceFirst("^SSL_", "TLS_");
      boolean named = command.has("suite") && name.equals(command.text("suite"));
      boolean usual = !command.has("suite") && !name.contains("_anon_") && !name.contains("NULL")
          && !name.contains("EXPORT") && !name.contains("_DES_");
      // It would take curves with SSL 3.0 as well, where a hello is of newer versions too.
      if (!command.has("suite") && command.number("highest") == 0x300) usual &= !name.contains("_ECDH");
      if (named || usual || name.endsWith("_SCSV")) suites.add(suite);
    }
    SSLParameters parameters =
        new SSLParameters(suites.toArray(new String[0]), versions.toArray(new String[0]));
    if (command.text("role").equals("client") && !command.is("anonymous")) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
    return parameters;
  }

  /** Keys and trust are read once for each certificate. */
  private static SSLContext contextOf(Command command) throws Exception {
    String key = command.has("cert") ? command.text("cert") : "";
    SSLContext known = contexts.get(key);
    if (known != null) return known;
    KeyManagerFactory keys = null;
    if (command.has("cert")) {
      KeyStore store = emptyStore();
      store.setKeyEntry("own", keyIn(command.text("key")), NO_PASSWORD,
          certificatesIn(command.text("cert")).toArray(new Certificate[0]));
      keys = KeyManagerFactory.getInstance("SunX509");
      keys.init(store, NO_PASSWORD);
    }
    KeyStore roots = emptyStore();
    for (Certificate root : certificatesIn(command.text("ca"))) roots.setCertificateEntry("root" + roots.size(), root);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(roots);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys == null ? null : keys.getKeyManagers(), trust.getTrustManagers(), null);
    // Each conversation is a full handshake.
    context.getClientSessionContext().setSessionTimeout(1);
    contexts.put(key, context);
    return context;
  }

  private static KeyStore emptyStore() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, NO_PASSWORD);
    return store;
  }

  private static Collection<? extends Certificate> certificatesIn(String file) throws Exception {
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
  }

  private static PrivateKey keyIn(String file) throws Exception {
    String text = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
    PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
    // The container says which kind it holds, and one factory alone takes it.
    try {
      return KeyFactory.getInstance("RSA").generatePrivate(encoded);
    } catch (InvalidKeySpecException notRsa) {
      return KeyFactory.getInstance("EC").generatePrivate(encoded);
    }
  }

  private static synchronized void say(String event) {
    System.out.println(event);
    System.out.flush();
  }

  /** A flat JSON object whose strings have no escapes: that is all that our commands are. */
  private static final class Command {
    private static final Pattern MEMBER =
        Pattern.compile("\"(\\w+)\":(?:\"([^\"]*)\"|(\\w+)|\\[([^\\]]*)\\])");
    private final Map<String, String> members = new LinkedHashMap<>();

    static Command parse(String line) {
      Command command = new Command();
      Matcher matcher = MEMBER.matcher(line);
      while (matcher.find()) {
        String value = matcher.group(2) != null ? matcher.group(2)
            : matcher.group(3) != null ? matcher.group(3) : matcher.group(4);
        command.members.put(matcher.group(1), value);
      }
      return command;
    }

    boolean has(String name) {
      return members.containsKey(name);
    }

    boolean is(String name) {
      return "true".equals(members.get(name));
    }

    String text(String name) {
      return members.get(name);
    }

    int number(String name) {
      return Integer.parseInt(members.get(name));
    }

    String[] texts(String name) {
      return members.get(name).replace("\"", "").split(",");
    }
  }
}
