// SPDX-License-Identifier: Apache-2.0
// A TLS client on Java's JSSE, by SSLSocket or, with url=PATH, by HttpsURLConnection: its standard
// input goes to the server and what the server sends to its standard output, until the server has
// ended its stream. README.md beside it says what its words mean and what it says. Runs from its
// source: java PeerJava.java WORD...

import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class PeerJava {
    private static final int CHUNK = 16384;
    private static final char[] NO_PHRASE = new char[0];
    private static final Map<String, String> words = new HashMap<>();
    private static IOException upFailure;

    private static Certificate certificate(String file) throws Exception {
        try (InputStream in = new FileInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    private static PrivateKey key(String file) throws Exception {
        String pem = Files.readString(Path.of(file)).replaceAll("-----[^-]*-----|\\s", "");
        return KeyFactory.getInstance("EC")
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    }

    private static SSLContext context() throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, NO_PHRASE);
        trusted.setCertificateEntry("ca", certificate(words.get("ca")));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(null, NO_PHRASE);
        if (words.containsKey("cert"))
            keys.setKeyEntry("own", key(words.get("key")), NO_PHRASE,
                             new Certificate[] {certificate(words.get("cert"))});
        own.init(keys, NO_PHRASE);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static void say(String format, Object... values) {
        System.err.printf("peer: " + format + "%n", values);
    }

    // ---- SSLSocket ----

    private static void up(SSLSocket socket, InputStream in) {
        byte[] data = new byte[CHUNK];
        try {
            OutputStream out = socket.getOutputStream();
            for (int n; (n = in.read(data)) >= 0;)
                out.write(data, 0, n);
            if (words.containsKey("half-close"))
                socket.shutdownOutput();
        } catch (IOException e) {
            upFailure = e;
        }
    }

    private static void down(SSLSocket socket) throws IOException {
        socket.getInputStream().transferTo(new FileOutputStream(FileDescriptor.out)); // without a buffer
    }

    private static SSLSocket open(SSLContext context) throws IOException {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(
            "localhost", Integer.parseInt(words.get("port")));
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setProtocols(new String[] {"TLSv" + words.get("version")});
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        if (words.containsKey("suite"))
            parameters.setCipherSuites(new String[] {words.get("suite")});
        socket.setSSLParameters(parameters);
        return socket;
    }

    // The time at which the session was created says whether it is an old one.
    private static void visit(SSLContext context, InputStream input, long started) throws Exception {
        try (SSLSocket socket = open(context)) {
            socket.startHandshake();
            SSLSession session = socket.getSession();
            say("version=%s resumed=%d", session.getProtocol(),
                session.getCreationTime() < started ? 1 : 0);
            Thread upThread = new Thread(() -> up(socket, input));
            upThread.setDaemon(true);
            upThread.start();
            down(socket);
            if (words.containsKey("half-close"))
                upThread.join();
            if (upFailure != null && words.containsKey("half-close"))
                throw upFailure;
        }
        say("end=close_notify");
    }

    private static void visitSockets(SSLContext context) throws Exception {
        int connections = Integer.parseInt(words.getOrDefault("connections", "1"));
        byte[] replay = connections > 1 ? System.in.readAllBytes() : null; // what each of several sends
        for (int i = 0; i < connections; i++) {
            long started = System.currentTimeMillis();
            visit(context, replay == null ? System.in : new ByteArrayInputStream(replay), started);
            while (System.currentTimeMillis() == started)
                Thread.sleep(1);
        }
    }

    // ---- HttpsURLConnection ----

    private static void visitUrl(SSLContext context) throws Exception {
        System.setProperty("https.protocols", "TLSv" + words.get("version"));
        System.setProperty("http.keepAlive", "false");
        if (words.containsKey("suite"))
            System.setProperty("https.cipherSuites", words.get("suite"));
        URL url = new URL("https://localhost:" + words.get("port") + words.get("url"));
        HttpsURLConnection http = (HttpsURLConnection) url.openConnection();
        http.setSSLSocketFactory(context.getSocketFactory());
        if (words.containsKey("put")) {
            http.setRequestMethod("PUT");
            http.setDoOutput(true);
            http.setFixedLengthStreamingMode(Long.parseLong(words.get("put")));
            System.in.transferTo(http.getOutputStream());
        }
        if (http.getResponseCode() != 200)
            throw new IOException("HTTP status " + http.getResponseCode());
        http.getInputStream().transferTo(System.out);
        System.out.flush();
        say("end=whole");
    }

    public static void main(String[] arguments) throws Exception {
        for (String word : arguments)
            words.put(word.substring(0, word.indexOf('=')), word.substring(word.indexOf('=') + 1));
        if (words.containsKey("update"))
            Security.setProperty("jdk.tls.keyLimits",
                                 "AES/GCM/NoPadding KeyUpdate " + words.get("update"));
        try {
            if (words.containsKey("url"))
                visitUrl(context());
            else
                visitSockets(context());
        } catch (SSLException e) {
            say("end=failure (%s)", e.getMessage());
            System.exit(1);
        }
    }
}
