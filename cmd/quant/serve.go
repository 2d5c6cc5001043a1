package main

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/web"
)

func (a *app) serveCommand() *cobra.Command {
	var (
		addr  string
		hosts []string
		open  bool
	)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the calculator as a web page",
		Long: `Serve the calculator as a web page: type values or drop files to compare them,
with graphs and reports. The page needs no internet, and sends data only to this
program.

It can be reached from this computer only, unless --addr says otherwise. It
answers under the names localhost and IP addresses; --host adds another name.
Ctrl-C ends it.

Programs can ask the same server for comparisons: see docs/api.md.`,
		Example: `  quant serve --open
  quant serve --addr 127.0.0.1:0              any free port
  quant serve --addr :8080 --host my-server   for others too`,
		Args: cobra.NoArgs,
		RunE: a.start(func(cmd *cobra.Command, _ []string) error {
			if _, err := a.origin(); err != nil {
				return err
			}
			l, err := listen(addr)
			if err != nil {
				return err
			}
			url := urlOf(l.Addr())
			fmt.Fprintf(a.stdout, "%s\n", url)
			fmt.Fprintln(a.stderr, "Ctrl-C ends it.") // on stderr, so that stdout holds only the address
			if open {
				if err := openBrowser(url); err != nil {
					a.complain(fmt.Sprintf("cannot open a browser: %v", err))
				}
			}
			server := web.New(web.Config{
				Examples: pageExamples(),
				Notices:  convolutionNotice,
				Version:  versionLine(),
				Origin: func() report.Origin {
					o, _ := a.origin() // its error was checked above
					o.Command = "quant serve"
					return o
				},
				Hosts: hosts,
				Log:   a.stderr,
			})
			return server.Serve(cmd.Context(), l)
		}),
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "`host:port` to listen at; port 0 is any free one")
	cmd.Flags().StringArrayVar(&hosts, "host", nil, "a further `name` under which the page answers; may be given several times")
	cmd.Flags().BoolVar(&open, "open", false, "open the page in a browser")
	return cmd
}

// listen listens at the address of --addr.
func listen(addr string) (net.Listener, error) {
	if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
		return nil, usagef("--addr %q is not host:port, as in 127.0.0.1:8080, or :8080 for others too", addr)
	}
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--addr %s: another program listens there; --addr 127.0.0.1:0 takes any free port", addr)
	case err != nil:
		return nil, fmt.Errorf("--addr %s: %w", addr, err)
	}
	return l, nil
}

// urlOf returns the URL under which a browser on this computer reaches addr.
func urlOf(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String() + "/"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// openBrowser opens url in the user's browser.
func openBrowser(url string) error {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("open", url)
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		cmd = exec.Command("xdg-open", url)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // it may run until the browser is closed
	return nil
}
