package main

import (
	"io"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// asksForLog reports whether the environment turns on a log of Terraform.
func asksForLog(environment []string) bool {
	return slices.ContainsFunc(environment, func(variable string) bool { return strings.HasPrefix(variable, "TF_LOG") })
}

// discardStandardLog drops the output of the standard logger until restore is called. Package net/http logs there,
// unredacted, what a server sends on an idle connection.
func discardStandardLog() (restore func()) {
	before := log.Writer()
	log.SetOutput(io.Discard)
	return func() { log.SetOutput(before) }
}

// silent turns off the logs of the SDK and of go-plugin. Otherwise they write every line, down to TRACE, and
// Terraform parses and drops it: a fifth of the time of a large plan.
func silent() []tf6server.ServeOpt {
	for _, name := range []string{"TF_LOG_PROVIDER_KUSTOM", "TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"} {
		if err := os.Setenv(name, "off"); err != nil {
			log.Print(err)
		}
	}
	return []tf6server.ServeOpt{tf6server.WithGoPluginLogger(hclog.NewNullLogger())}
}
