package browser_test

import (
	"os"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
)

// shared is the browser of all tests that do not need one of their own.
var shared browsertest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }
