/** The packaged jar through the real launcher: every test here starts processes of its own. */
package dev.collimate.integration;
