package browser_test

import (
	"os"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
)

// shared is the browser of most tests.
var shared browsertest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }
